// The planner process: reads root's files for one request, answers, and is gone.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/imaged/planner/auth-lookup.h"

namespace bulkhead::planner {

struct Settings {
  uid_t uid = 0;
  gid_t gid = 0;
  std::string registriesConf;
  std::vector<std::string> certificateDirectories;
  std::string registriesDirectory;  // registries.d
  AuthPlaces auth;
};

// In a child that the zygote has just forked: confines itself as Process::planner, then reads the one
// PlanRequest from `socket`, answers with a PlanReply, exits. Ends quietly when main closes its end.
[[noreturn]] void runPlanner(Fd socket, const Settings& settings);

}  // namespace bulkhead::planner
