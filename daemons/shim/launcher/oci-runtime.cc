#include "daemons/shim/launcher/oci-runtime.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/shim/cgroup/cgroups.h"
#include "ipc/limits.h"

namespace bulkhead::launcher {
namespace {

constexpr size_t longestMessage = 512;
constexpr std::chrono::seconds lastBreath{5};

void placeStdio(int wanted, int number) {
  int null = wanted >= 0 ? -1 : ::open("/dev/null", O_RDWR);
  if (::dup2(wanted >= 0 ? wanted : null, number) < 0) ::_exit(127);
}

// In the child. Everything that a container could inherit is as the bare runtime would have it.
[[noreturn]] void execute(const std::string& program, std::vector<std::string> words, const Stdio& stdio,
                          std::vector<int> pass, pid_t parent) noexcept {
  std::string path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  char* const environment[] = {path.data(), nullptr};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  jail::restoreForStrangers();
  // Whoever started it wrote down what has to be undone; a runtime that outlived it would make more.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(127);
  // crun's exec leaves the process in this group: kill(0, …) in a container must not reach us.
  if (::setsid() < 0) ::_exit(127);
  placeStdio(stdio.in, 0);
  placeStdio(stdio.out, 1);
  placeStdio(stdio.err, 2);
  std::erase(pass, -1);
  for (int fd : pass) (void)::fcntl(fd, F_SETFD, 0);
  closeAllBut(pass);
  if (::chdir("/") == 0) ::execve(program.c_str(), argv.data(), environment);
  ::_exit(127);
}

// Both write one entry a line; runc's text is inside msg="…", crun's after its time stamp.
std::string messageOf(std::string line) {
  size_t quoted = line.find("msg=\"");
  if (quoted != std::string::npos) {
    line = line.substr(quoted + 5, line.rfind('"') - quoted - 5);
  } else if (size_t stamp = line.find("Z: "); stamp != std::string::npos) {
    line = line.substr(stamp + 3);
  }
  std::erase(line, '\\');  // before quotes
  return log::printable(line, longestMessage);
}

}  // namespace

Outcome<OciRuntime> OciRuntime::find(const Context& context, const std::string& name) {
  std::string path = runtimePath(context, name);
  if (path.empty())
    return refuse(Code::failedPrecondition, "runtimeHandler", name + " is no longer configured");
  std::string state = context.layout.ociDirectory() + "/" + name;
  if (::mkdir(state.c_str(), 0700) != 0 && errno != EEXIST) throwErrno("mkdir " + state);
  return OciRuntime(path, state);
}

OciRuntime::Running OciRuntime::start(const std::vector<std::string>& arguments, const Stdio& stdio,
                                      int pass) const {
  Fd log(::memfd_create("runtime-log", MFD_CLOEXEC));
  if (!log) throwErrno("memfd_create");
  std::vector<std::string> words{path_, "--root", state_, "--log",
                                 "/proc/self/fd/" + std::to_string(log.get())};
  words.insert(words.end(), arguments.begin(), arguments.end());
  pid_t self = ::getpid();
  pid_t pid = ::fork();
  if (pid < 0) throwErrno("fork");
  if (pid == 0) execute(path_, words, stdio, {log.get(), pass}, self);
  return {pid, std::move(log)};
}

Outcome<void> OciRuntime::finish(Running running) {
  auto status = waitFor(running.pid, limits::ociRuntime);
  if (!status) {
    (void)::kill(-running.pid, SIGKILL);     // our own child, not yet reaped, and its session
    (void)waitFor(running.pid, lastBreath);  // one that hangs in the kernel is left to init's reaping
    return refuse(Code::deadlineExceeded, "", "the OCI runtime did not finish in time and was killed");
  }
  if (status->code == 0) return {};
  std::string message = lastMessage(running.log.get());
  if (message.find("hybrid mode") != std::string::npos) return hybridRefusal();
  if (message.empty()) message = "exit status " + std::to_string(status->code);
  return refuse(Code::failedPrecondition, "", "the OCI runtime failed: " + message);
}

std::string OciRuntime::lastMessage(int log) {
  constexpr off_t most = 16384;
  off_t size = ::lseek(log, 0, SEEK_END);
  std::string text(static_cast<size_t>(std::min(std::max<off_t>(size, 0), most)), '\0');
  if (::pread(log, text.data(), text.size(), size - static_cast<off_t>(text.size())) < 0) return {};
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return messageOf(text.substr(text.rfind('\n') + 1));
}

bool OciRuntime::knows(const std::string& containerId) const {
  return ::access((state_ + "/" + containerId).c_str(), F_OK) == 0;
}

bool refusesHybridHosts(const std::string& version) {
  int major = 0;
  int minor = 0;
  return std::sscanf(version.c_str(), "crun version %d.%d", &major, &minor) == 2 &&
         std::pair(major, minor) < std::pair(1, 9);
}

tl::unexpected<Refusal> hybridRefusal() {
  return refuse(Code::failedPrecondition, "runtimeHandler",
                "crun refuses this host's control groups (hybrid, and the v2 hierarchy owns: " +
                    cgroup::unifiedControllers() +
                    "): mount their v1 hierarchies, or set fallback_runtime = \"runc\" in bulkhead.toml");
}

Outcome<std::string> runtimeVersion(const Context& context, const std::string& name) {
  auto runtime = OciRuntime::find(context, name);
  if (!runtime) return tl::unexpected(runtime.error());
  Fd output(::memfd_create("runtime-version", MFD_CLOEXEC));
  if (auto done = runtime->run({"--version"}, {-1, output.get(), -1}); !done)
    return tl::unexpected(done.error());
  std::string text(longestMessage, '\0');
  text.resize(static_cast<size_t>(std::max<ssize_t>(::pread(output.get(), text.data(), text.size(), 0), 0)));
  return log::printable(text.substr(0, text.find('\n')));
}

}  // namespace bulkhead::launcher
