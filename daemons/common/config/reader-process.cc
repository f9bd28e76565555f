#include "daemons/common/config/reader-process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string_view>

#include "daemons/common/base/error.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/capabilities.h"

namespace bulkhead {
namespace {

struct User {
  uid_t uid;
  gid_t gid;
};

// The reader needs a uid before anyone has read which one: identity.uid_base's default + 4.
constexpr User defaultReader{1900000004, 1900000004};
constexpr std::string_view readerAccount = "bulkhead-config";
constexpr size_t largestAnswer = 4 * 1024 * 1024;
constexpr std::chrono::milliseconds patience{30000};  // the reader has 10 s of CPU time

User readerUser() {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> accounts(std::fopen("/etc/passwd", "re"), std::fclose);
  if (!accounts) return defaultReader;
  while (const struct passwd* entry = ::fgetpwent(accounts.get())) {
    if (readerAccount == entry->pw_name) return {entry->pw_uid, entry->pw_gid};
  }
  return defaultReader;
}

void dropRoot() {
  using jail::CapabilitySet;
  jail::limitBounding(0);
  // Gone before the first line of text is looked at, even of /etc/passwd; changing the uid then takes these
  // two.
  jail::setCapabilities(CapabilitySet{1} << CAP_SETUID | CapabilitySet{1} << CAP_SETGID);
  User user = readerUser();
  if (user.uid == 0 || user.gid == 0) throw std::runtime_error("account bulkhead-config is root");
  bool dropped = ::setgroups(0, nullptr) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
                 ::setresuid(user.uid, user.uid, user.uid) == 0;
  if (!dropped) throwErrno("become the configuration reader");
  jail::setCapabilities(0);
}

constexpr int firstFile = 3;

// The program's own descriptor, which goes away as it is executed.
int programAfter(const std::vector<int>& files) {
  return firstFile + static_cast<int>(files.size());
}

// Through high numbers first: a descriptor may sit where another has to go.
void arrangeDescriptors(int program, int output, const std::vector<int>& files) {
  constexpr int high = 512;
  Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<int> sources{null.get(), output};
  std::vector<int> targets{STDIN_FILENO, STDOUT_FILENO};
  for (int file : files) {
    sources.push_back(file);
    targets.push_back(firstFile + static_cast<int>(targets.size()) - 2);
  }
  sources.push_back(program);
  targets.push_back(programAfter(files));
  for (int& source : sources) {
    source = ::fcntl(source, F_DUPFD_CLOEXEC, high);
    if (source < 0) throwErrno("arrange descriptors");
  }
  null.reset();  // before its number may become a target
  for (size_t i = 0; i < sources.size(); ++i) {
    int flags = targets[i] == programAfter(files) ? O_CLOEXEC : 0;
    if (::dup3(sources[i], targets[i], flags) < 0) throwErrno("arrange descriptors");
  }
  closeAllBut(targets);
}

[[noreturn]] void becomeReader(const std::string& program, const std::vector<std::string>& arguments,
                               int output, const std::vector<int>& files) {
  // Opened as root: the reader's uid needs to reach no directory on the way.
  Fd binary(::open(program.c_str(), O_PATH | O_CLOEXEC));
  if (!binary) throwErrno("open " + program);
  resetSignals();
  arrangeDescriptors(binary.release(), output, files);
  if (::geteuid() == 0) dropRoot();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) throwErrno("PR_SET_NO_NEW_PRIVS");

  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};
  ::execveat(programAfter(files), "", argv.data(), environment, AT_EMPTY_PATH);
  throwErrno("execute " + program);
}

bool answersInTime(int fd) {
  struct pollfd ready {
    fd, POLLIN, 0
  };
  int n = 0;
  while ((n = ::poll(&ready, 1, static_cast<int>(patience.count()))) < 0 && errno == EINTR) {
  }
  return n > 0;
}

}  // namespace

pid_t startReader(const std::string& program, const std::vector<std::string>& arguments, int output,
                  const std::vector<int>& files) {
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child > 0) return child;
  try {
    becomeReader(program, arguments, output, files);
  } catch (const std::exception& error) {
    log::error("cannot start the configuration reader", {{"reason", error.what()}});
  }
  ::_exit(127);
}

ipc::Packet receiveAnswer(int fd, pid_t reader) {
  std::optional<ipc::Packet> packet;
  if (answersInTime(fd)) packet = ipc::readMessage(fd, largestAnswer);
  if (!packet) (void)::kill(reader, SIGKILL);
  ExitStatus status = *waitFor(reader, std::nullopt);
  if (!packet) {
    throw std::runtime_error("bulkhead-config gave no answer (exit status " + std::to_string(status.code) +
                             ")");
  }
  return std::move(*packet);
}

}  // namespace bulkhead
