// What a name without a registry may mean: aliases and search registries of containers-registries.conf(5).
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/image-ref.h"
#include "daemons/imaged/planner/registries-conf.h"

namespace bulkhead::planner {

// The full references that `text` may mean, in the order to try them; a full one is its only meaning. An
// alias is the only meaning too. Where no configuration says anything, a short name is Docker Hub's. Refuses
// invalidArgument (no reference), failedPrecondition (an empty list of search registries; several of them,
// since there is nobody to ask: only mode `disabled` tries one after the other).
Outcome<std::vector<ImageReference>> meaningsOf(const std::string& text, const RegistriesConf& conf);

// Does the name leave out its registry?
bool isShortName(const std::string& text);

}  // namespace bulkhead::planner
