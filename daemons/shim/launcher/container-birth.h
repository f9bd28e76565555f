// The child that creates a container and then becomes its monitor. It is the container's parent by being a
// subreaper: the OCI runtime's `create` ends, the container's first process stays and is reaped here.
#pragma once

#include <optional>
#include <vector>

#include "daemons/common/config/seccomp-profile.h"
#include "daemons/shim/launcher/bind-source.h"
#include "daemons/shim/launcher/container.h"

namespace bulkhead::launcher {

// Everything that was opened and judged in the host's namespace; descriptors only, no path that a caller
// chose.
struct Birth {
  const Context& context;
  const Container& container;
  OciRuntime runtime;
  schema::ContainerSpec::Reader spec;
  oci::Grants grants;
  std::optional<LoadedSeccomp> seccomp;  // what the grants point into
  Fd root;                               // detached mount of the root file system
  Fd target;                        // the PID namespace of another container, to be entered; invalid: none
  std::vector<BindSource> sources;  // one for each of spec.mounts
  Pipe in, out, err;                // the container's stdin (invalid: /dev/null), stdout and stderr
  Fd terminal;                      // instead of stdin and stdout, once the runtime has made it
  Fd listener;                      // the monitor's socket
  Fd log, exitRecord, started;      // log invalid: none
};

// In the forked child. Attaches root and mounts in a private mount namespace that ends with the runtime's
// `create`, runs it, writes the `processes` record, leaves every mount of the host behind and executes the
// shim. `report` gets a Refusal if any of that fails, and end of file when the shim runs.
[[noreturn]] void becomeShim(Birth& birth, Fd report);

}  // namespace bulkhead::launcher
