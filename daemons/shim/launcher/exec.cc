// The verb exec.
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/confine.h"
#include "daemons/shim/console/console.h"
#include "daemons/shim/launcher/container.h"
#include "daemons/shim/resources/limits.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using namespace std::chrono_literals;

constexpr char finished = 'f';
constexpr char overdue = 'o';

// A process of ours inside a container; we are its parent by being a subreaper.
struct Started {
  pid_t pid = 0;
  Fd handle;  // pidfd
  uid_t shimUid = 0;
};

Fd memoryFile(const std::string& bytes) {
  Fd file(::memfd_create("exec-process", MFD_CLOEXEC));
  if (!file || !writeAll(file.get(), bytes)) throwErrno("write process document");
  return file;
}

// Ends what nobody can talk to.
tl::unexpected<Refusal> withoutTerminal(const Started& process, const char* why) {
  (void)::syscall(SYS_pidfd_send_signal, process.handle.get(), SIGKILL, nullptr, 0);
  (void)waitFor(process.pid, std::nullopt);
  return refuse(Code::failedPrecondition, "tty", why);
}

// What a request brings: pipes, or, for a terminal, the socket that it is sent over.
struct Streams {
  Fd in, out, err, terminal;
};

Outcome<Streams> streamsOf(schema::ExecSpec::Reader spec, std::vector<Fd> fds) {
  Streams streams;
  if (spec.getTty()) {
    if (fds.size() != 1) return invalid("", "exec with a terminal needs one socket");
    streams.terminal = std::move(fds[0]);
    return streams;
  }
  size_t wanted = spec.getStdin() ? 3 : 2;
  if (fds.size() != wanted || !std::ranges::all_of(fds, [](const Fd& fd) { return isPipe(fd.get()); }))
    return invalid("", "exec needs pipes for stdout and stderr, and for stdin if it has one");
  if (spec.getStdin()) streams.in = std::move(fds[0]);
  streams.out = std::move(fds[wanted - 2]);
  streams.err = std::move(fds[wanted - 1]);
  return streams;
}

// Detached: the runtime copies nothing and is gone once the process runs.
Outcome<Started> startProcess(const Context& context, schema::ExecSpec::Reader spec, const Streams& streams) {
  auto container = findRunning(context, spec.getContainerId());
  if (!container) return tl::unexpected(container.error());
  auto pod = container->pod->record;
  auto runtime = OciRuntime::find(context, ipc::toString(pod.getRuntime()));
  if (!runtime) return tl::unexpected(runtime.error());
  ipc::Packet record = readSpec(container->directory.get());
  auto own = record.as<schema::ContainerSpec>();
  oci::Grants grants = grantsFor(context, pod, own);
  Fd process = memoryFile(oci::processDocument(own, grants, spec.getArgs(), spec.getTty()));
  std::optional<console::ConsoleSocket> console;
  if (spec.getTty()) console.emplace(container->directory.get());
  std::string pidFile = record::podPath(context.pods, container->podId) + "/containers/" +
                        container->id.text() + "/exec-" + std::to_string(::getpid());
  std::vector<std::string> words{"exec",       "--detach",
                                 "--process",  "/proc/self/fd/" + std::to_string(process.get()),
                                 "--pid-file", pidFile};
  if (console) words.insert(words.end(), {"--console-socket", console->path()});
  words.push_back(container->id.text());
  auto started = OciRuntime::finish(
      runtime->start(words, {streams.in.get(), streams.out.get(), streams.err.get()}, process.get()));
  auto pid = static_cast<pid_t>(std::strtol(readSmallFile(pidFile).c_str(), nullptr, 10));
  (void)::unlink(pidFile.c_str());
  if (!started) return tl::unexpected(started.error());
  // It is our child and not reaped yet, so the number means it, even if it has ended.
  Fd handle(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (!handle) throw std::runtime_error("the runtime named no process");
  // runc gives it the score that the container was created with.
  if (grants.oomScoreAdj) resources::writeOomScore(*grants.oomScoreAdj, pid);
  Started result{pid, std::move(handle), pod.getShimUid()};
  if (!console) return result;
  Fd master = console->takeTerminal();
  if (!master) return withoutTerminal(result, "the runtime sent no terminal");
  if (!console::sendTerminal(streams.terminal.get(), master))
    return withoutTerminal(result, "nobody took the terminal");
  return result;
}

// Keeps the right to kill and hears one byte from the monitor. A monitor that dies counts as overdue.
pid_t forkExecutioner(const Started& process, const Pipe& verdict) {
  pid_t child = ::fork();
  if (child != 0) return child;
  closeAllBut({process.handle.get(), verdict.read.get()});
  char byte = overdue;
  if (::read(verdict.read.get(), &byte, 1) != 1 || byte != finished) {
    // The monitor has not reaped it, so the number is still its. The group is its own or the runtime's.
    pid_t group = ::getpgid(process.pid);
    bool there = ::syscall(SYS_pidfd_send_signal, process.handle.get(), SIGKILL, nullptr, 0) == 0;
    if (there && group > 1 && group != ::getpgrp()) (void)::kill(-group, SIGKILL);
  }
  ::_exit(0);
}

// Whoever asked and hung up wants the process no more: as good as late.
bool endsInTime(int process, int connection, std::chrono::milliseconds limit) {
  using Clock = std::chrono::steady_clock;
  auto end = Clock::now() + limit;
  while (true) {
    pollfd events[] = {{process, POLLIN, 0}, {connection, POLLRDHUP, 0}};
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    int n = ::poll(events, 2, limit < 0ms ? -1 : static_cast<int>(std::max(left, 0ms).count()));
    if (n < 0 && errno != EINTR) throwErrno("poll");
    if (n > 0) return events[0].revents != 0;
    if (n == 0) return false;
  }
}

}  // namespace

Outcome<void> execInContainer(const Context& context, schema::ExecSpec::Reader spec, std::vector<Fd> fds,
                              int connection, schema::ExecEnd::Builder reply) {
  constexpr auto killGrace = 2s;
  auto streams = streamsOf(spec, std::move(fds));
  if (!streams) return tl::unexpected(streams.error());
  if (spec.getArgs().size() == 0) return invalid("args", "is empty");
  if (auto ok = ceiling::checkArguments(spec.getArgs(), "args"); !ok) return ok;

  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) throwErrno("become a subreaper");
  auto process = startProcess(context, spec, *streams);
  if (!process) return tl::unexpected(process.error());
  *streams = {};
  Pipe verdict = makePipe();
  pid_t executioner = forkExecutioner(*process, verdict);
  if (executioner < 0) throwErrno("fork");
  std::vector<int> keep{connection, process->handle.get(), verdict.write.get()};
  jail::confine(jail::Process::execMonitor, {process->shimUid, process->shimUid, {}, std::move(keep), {}});

  auto limit =
      spec.getTimeoutMs() == 0 ? -1ms : std::chrono::milliseconds(std::min(spec.getTimeoutMs(), 0x7fffffffU));
  bool inTime = endsInTime(process->handle.get(), connection, limit);
  if (::write(verdict.write.get(), inTime ? &finished : &overdue, 1) != 1) throwErrno("tell executioner");
  (void)waitFor(executioner, std::nullopt);
  if (!inTime) {
    if (hasEnded(process->handle.get(), killGrace)) (void)waitFor(process->pid, std::nullopt);
    reply.setTimedOut();
    return {};
  }
  reply.setExited(waitFor(process->pid, std::nullopt)->code);
  return {};
}

}  // namespace bulkhead::launcher
