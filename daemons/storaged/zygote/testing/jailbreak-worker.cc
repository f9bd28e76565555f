// For the jailbreak test, in the place of bulkhead-storage-worker: confined like the unpack worker, or
// the compose worker, then hostile. Reads what to do from its input, "MODE\nCANARY", and reports as text on
// its output; what it may do, it does in "inside".
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/zygote/testing/escape-attempts.h"

namespace bulkhead::zygote {
namespace {

bool workInside(const std::string& top) {
  Fd file(::openat(AT_FDCWD, (top + "/inside").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  return file && ::fchown(file.get(), 12, 34) == 0 && ::fchmod(file.get(), 04755) == 0 &&
         ::fsetxattr(file.get(), "user.mine", "x", 1, 0) == 0 &&
         ::mknodat(AT_FDCWD, (top + "/device").c_str(), S_IFCHR | 0600, ::makedev(1, 3)) == 0;
}

// What a compose worker sees of a layer is there to be read.
std::string attemptLayer() {
  constexpr const char* file = "/layers/0/file";
  Fd readable(::openat(AT_FDCWD, file, O_RDONLY | O_CLOEXEC));
  std::string report = readable ? "" : "cannot be read\n";
  if (Fd(::openat(AT_FDCWD, file, O_WRONLY | O_CLOEXEC))) report += "write\n";
  if (Fd(::openat(AT_FDCWD, "/layers/0/new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600))) report += "create\n";
  if (::fchmod(readable.get(), 04777) == 0) report += "chmod\n";
  if (::fchown(readable.get(), 1, 1) == 0) report += "chown\n";
  if (::fsetxattr(readable.get(), "user.mine", "x", 1, 0) == 0) report += "xattr\n";
  if (::unlinkat(AT_FDCWD, file, 0) == 0) report += "unlink\n";
  return report;
}

// Each has to end the process.
void doForbidden(const std::string& mode) {
  char* const nothing[] = {nullptr};
  const std::map<std::string, std::function<void()>> calls{
      {"mount", [] { (void)::mount("none", "/", "tmpfs", 0, nullptr); }},
      {"unshare", [] { (void)::unshare(CLONE_NEWUSER); }},
      {"setns", [] { (void)::setns(0, 0); }},
      {"chroot", [] { (void)!::chroot("/"); }},
      {"pivot_root", [] { (void)::syscall(SYS_pivot_root, ".", "."); }},
      {"open_tree", [] { (void)::syscall(SYS_open_tree, AT_FDCWD, "/", 0); }},
      {"open_by_handle_at", [] { (void)::syscall(SYS_open_by_handle_at, 0, nullptr, 0); }},
      {"socket", [] { (void)::socket(AF_INET, SOCK_STREAM, 0); }},
      {"fork", [] { (void)::fork(); }},
      {"execve", [&] { (void)::execve("/inside", nothing, nothing); }},
      {"ptrace", [] { (void)::ptrace(PTRACE_ATTACH, 1, nullptr, nullptr); }},
      {"kill", [] { (void)::kill(-1, SIGCONT); }},
      {"bpf", [] { (void)::syscall(SYS_bpf, 0, nullptr, 0); }},
      {"io_uring", [] { (void)::syscall(SYS_io_uring_setup, 1, nullptr); }},
      {"setuid", [] { (void)!::setuid(0); }},
      {"tgkill", [] { (void)::syscall(SYS_tgkill, 1, 1, 0); }},
      {"grow",
       [] {
         constexpr off_t overTheLimit = 20'000'000'000;
         Fd file(::openat(AT_FDCWD, "/large", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
         (void)!::ftruncate(file.get(), overTheLimit);
       }},
      {"setowner", [] { (void)::fcntl(0, F_SETOWN, 1); }},
  };
  calls.at(mode)();
}

int run(int argc, char** argv) {
  bool composes = std::find(argv, argv + argc, std::string_view("compose")) != argv + argc;
  jail::sanitise(1);
  jail::Confinement confinement;
  if (composes) {
    if (::chdir("/target") != 0) return 1;  // where symlinks can be made
    confinement.paths = {{"/target", jail::Access::Right::readWrite}, {"/layers", jail::Access::Right::read}};
  } else {
    confinement.paths = {{"/", jail::Access::Right::readWrite}};
  }
  jail::confine(composes ? jail::Process::composeWorker : jail::Process::unpackWorker, confinement);
  std::string input = readBounded(STDIN_FILENO, 4096).value_or("");
  std::string mode = input.substr(0, input.find('\n'));
  std::string canary = input.substr(input.find('\n') + 1);
  std::string report;
  if (mode == "escape") {
    report = workInside(composes ? "/target" : "") ? "worked inside\n" : "could not work inside\n";
    if (composes) report += attemptLayer();
    for (const std::string& success : attemptEscapes(canary, 0)) report += success + "\n";
  } else {
    doForbidden(mode);
    report = "still alive\n";
  }
  return writeAll(STDOUT_FILENO, report) ? 0 : 1;
}

}  // namespace
}  // namespace bulkhead::zygote

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("jailbreak", bulkhead::zygote::run, argc, argv);
}
