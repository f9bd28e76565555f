// From what a user types to one pod or container. Pure.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead::cli {

enum class Kind { pod, container };

struct Named {
  Kind kind = Kind::container;
  std::string id;
  std::string name;
  std::string longName;  // "namespace/name" of a pod; empty: none
};

// In this order: the whole id, a name, a unique beginning of an id. Refuses (notFound, invalidArgument) what
// fits nothing or several. `what` names the kind for the message: "container".
Outcome<Named> resolve(const std::string& text, const std::vector<Named>& all, const std::string& what);

}  // namespace bulkhead::cli
