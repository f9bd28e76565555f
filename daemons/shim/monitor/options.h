// A monitor's command line, written by the launcher.
#pragma once

#include <sys/types.h>

namespace bulkhead::shim {

struct Options {
  pid_t pid = 0;     // the container's first process, our child
  uid_t uid = 0;     // to become: this pod's monitors'
  uid_t criUid = 0;  // who may connect
};

// --container ID and --root DIR only name the process for audit. Throws std::runtime_error on anything
// unexpected.
Options parseOptions(int argc, char** argv);

}  // namespace bulkhead::shim
