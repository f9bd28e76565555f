// Runs an OCI runtime (runc, crun) as a stranger: nothing of ours is inherited but what it is given, and it
// is killed when it takes longer than limits::ociRuntime.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/shim/launcher/context.h"

namespace bulkhead::launcher {

// Borrowed descriptors; -1 is /dev/null.
struct Stdio {
  int in = -1;
  int out = -1;
  int err = -1;
};

class OciRuntime {
 public:
  // `name` is a configured handler's; its state lives in Layout::ociDirectory()/NAME.
  static Outcome<OciRuntime> find(const Context& context, const std::string& name);

  // A runtime on its way. Its log is a memfd, so that nothing of it is left behind.
  struct Running {
    pid_t pid = 0;
    Fd log;
  };
  // Runs it with `arguments` (the first is the verb). `pass` is inherited under its own number. Throws
  // SystemError.
  [[nodiscard]] Running start(const std::vector<std::string>& arguments, const Stdio& stdio,
                              int pass = -1) const;

  // Waits; a failure is failedPrecondition with the runtime's own last message, bounded and printable.
  static Outcome<void> finish(Running running);
  [[nodiscard]] Outcome<void> run(const std::vector<std::string>& arguments, const Stdio& stdio = {}) const {
    return finish(start(arguments, stdio));
  }

  // The last message in its log, cut to what a user can read; may be empty.
  static std::string lastMessage(int log);

  [[nodiscard]] bool knows(const std::string& containerId) const;

 private:
  OciRuntime(std::string path, std::string state) : path_(std::move(path)), state_(std::move(state)) {}
  std::string path_;
  std::string state_;
};

// Does a runtime with this first line of `--version` refuse a hybrid host whose v2 hierarchy owns a
// controller? crun does before 1.9.
bool refusesHybridHosts(const std::string& version);

// crun 1.8 on a hybrid host whose v2 hierarchy owns a controller, with the two ways out.
tl::unexpected<Refusal> hybridRefusal();

// `PATH --version`, its first line.
Outcome<std::string> runtimeVersion(const Context& context, const std::string& name);

}  // namespace bulkhead::launcher
