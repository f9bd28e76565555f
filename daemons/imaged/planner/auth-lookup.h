// Which credential the auth files have for each place of a pull.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/imaged/planner/auth-file.h"

namespace bulkhead::planner {

struct AuthPlaces {
  std::string globalFile;           // empty: none
  std::string namespacedDirectory;  // empty: none
};

// "NAMESPACE-SHA256.json", the hash being of the image's host/path: what CRI-O's credential provider for the
// kubelet writes (cri-o/crio-credential-provider, auth.FilePath). Refuses a namespace that is no DNS label.
Outcome<std::string> namespacedName(const std::string& podNamespace, const std::string& image);

// One per place ("host/path"), empty where no file names it. The namespace's file comes before the global
// one; an absent file names nothing. Refuses failedPrecondition: a file that cannot be read or understood.
Outcome<std::vector<AuthEntry>> credentialsFor(const AuthPlaces& files, const std::string& podNamespace,
                                               const std::string& image,
                                               const std::vector<std::string>& places);

}  // namespace bulkhead::planner
