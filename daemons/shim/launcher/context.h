// What every verb works with: the instance's places and root's configuration, opened once before the first
// request.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/layout.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/shim/ceiling/ceiling.h"
#include "daemons/shim/record/pod-records.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::launcher {

struct Context {
  Layout layout;
  std::string root;  // as given with --root; passed on to shims, so that audit knows their instance
  schema::Config::Reader config;      // borrowed from main
  std::vector<std::string> ownPaths;  // never bind sources: BindRules::forbidden, symlinks not yet resolved
  record::Pods pods;
  Fd shimProgram;       // bulkhead-shim, executed by descriptor
  Fd pauseProgram;      // bulkhead-pause, the same, where nobody can write it: containers see its process
  std::string library;  // the directory of Bulkhead's programs
};

// Opens the places and makes podsDirectory a private mount of its own: a mount namespace can only be pinned
// where nothing propagates. Throws SystemError.
Context openContext(const jail::Start& start, schema::Config::Reader config);

// Takes that mount away again if no pod is left.
void closeContext(Context& context);

// Throws SystemError with errno unless a system call returned 0.
inline void require(int result, const char* what) {
  if (result != 0) throwErrno(what);
}

// The ceiling's bind rules with symlinks resolved as they are now.
ceiling::BindRules bindRules(const Context& context);

// The ceiling's, likewise.
std::vector<std::string> seccompRoots(const Context& context);

// The path of a configured runtime, empty if there is none of this name.
std::string runtimePath(const Context& context, const std::string& name);

}  // namespace bulkhead::launcher
