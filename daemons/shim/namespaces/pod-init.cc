#include "daemons/shim/namespaces/pod-init.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"
#include "daemons/shim/record/pod-records.h"
#include "ipc/convert.h"

namespace bulkhead::namespaces {
namespace {

using namespace std::chrono_literals;

constexpr const char* recordName = "init";

Fd openInit(int podDirectory) {
  auto packet = record::readRecord(podDirectory, recordName);
  if (!packet) return {};
  auto init = packet->as<schema::PodInit>();
  return openProcess(init.getPid(), init.getStarted());
}

}  // namespace

PodInit::PodInit(const InitStart& start, const std::string& socket)
    : start_(start),
      listener_(listenForGroup(socket, start.group)),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
  if (!null_) throwErrno("open /dev/null");
}

void PodInit::protect() {
  Fd score(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (score) (void)!::write(score.get(), "-998", 4);  // the kubelet's own figure for a sandbox
}

pid_t PodInit::fork() {
  if (::unshare(CLONE_NEWPID) != 0) throwErrno("unshare PID namespace");
  pid_t pid = ::fork();
  if (pid < 0) throwErrno("fork");
  if (pid == 0) wait();
  return pid;
}

void PodInit::release() {
  if (::write(gate_.write.get(), "g", 1) != 1) throwErrno("release the pod's init");
}

// What containers can see of a process in their namespace is nothing of the host's: no path, no log, no
// network (bulkhead-pause makes itself an empty one), and a program that nobody can write through /proc.
void PodInit::wait() {
  gate_.write.reset();
  char byte = 0;
  if (::read(gate_.read.get(), &byte, 1) != 1 || ::setsid() < 0) ::_exit(1);
  constexpr int high = 100;
  Fd program(::fcntl(start_.program, F_DUPFD_CLOEXEC, high));
  Fd listener(::fcntl(listener_.get(), F_DUPFD_CLOEXEC, high));
  for (int standard : {0, 1, 2}) (void)::dup2(null_.get(), standard);
  if (!program || ::dup2(listener.get(), 3) < 0) ::_exit(1);
  std::vector<std::string> words{"bulkhead-pause", "--uid", std::to_string(start_.uid)};
  if (!start_.root.empty()) words.insert(words.end(), {"--root", start_.root});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  char* const environment[] = {nullptr};
  ::execveat(program.get(), "", argv.data(), environment, AT_EMPTY_PATH);
  ::_exit(127);
}

void recordInit(int podDirectory, pid_t pid) {
  capnp::MallocMessageBuilder message;
  auto init = message.initRoot<schema::PodInit>();
  init.setPid(pid);
  init.setStarted(processStartTime(pid));
  if (init.getStarted() == 0) throw std::runtime_error("the pod's init is gone");
  record::writeRecord(podDirectory, recordName, message);
}

bool initLives(int podDirectory) {
  Fd init = openInit(podDirectory);
  return init && !hasEnded(init.get(), 0ms);
}

void endInit(int podDirectory) {
  if (Fd init = openInit(podDirectory)) {
    (void)::syscall(SYS_pidfd_send_signal, init.get(), SIGKILL, nullptr, 0);
    (void)hasEnded(init.get(), 2s);
  }
  (void)::unlinkat(podDirectory, recordName, 0);
}

Outcome<Fd> processesOf(int directory, const std::string& text) {
  auto id = ContainerId::parse(text, "pidTarget");
  if (!id) return tl::unexpected(id.error());
  auto gone = refuse(Code::failedPrecondition, "pidTarget", "is not a running container of this pod");
  Fd container = tryOpenBeneath(directory, "containers/" + id->text(), O_RDONLY | O_DIRECTORY);
  auto packet = container ? record::readRecord(container.get(), "processes") : std::nullopt;
  if (!packet) return gone;
  auto processes = packet->as<schema::ContainerProcesses>();
  Fd process = openProcess(processes.getPid(), processes.getStarted());
  if (!process) return gone;
  std::string path = "/proc/" + std::to_string(processes.getPid()) + "/ns/pid";
  Fd found(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  // Alive after it was opened: so it was that process's.
  return found && !hasEnded(process.get(), 0ms) ? Outcome<Fd>(std::move(found)) : gone;
}

}  // namespace bulkhead::namespaces
