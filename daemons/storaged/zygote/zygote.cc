#include "daemons/storaged/zygote/zygote.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <utility>
#include <vector>

#include "daemons/common/base/log.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/capabilities.h"
#include "daemons/common/jail/view.h"
#include "daemons/storaged/cells/cell.h"
#include "ipc/limits.h"

namespace bulkhead::zygote {
namespace {

constexpr int resultDescriptor = 3;
constexpr int cellDescriptor = 4;
constexpr int programDescriptor = 5;

// What a worker needs to become its row of the privilege table, and the row. CAP_SYS_ADMIN only for one that
// has yet to enter its cell.
jail::CapabilitySet startingSet(jail::Process role) {
  auto bit = [](int capability) { return jail::CapabilitySet{1} << capability; };
  return jail::privilegesOf(role).bounding | bit(CAP_SETPCAP) | bit(CAP_SETUID) | bit(CAP_SETGID) |
         (loadsLibraries(role) ? bit(CAP_SYS_ADMIN) : 0);
}

// 0 input, 1 output, 2 log, 3 result, 4 the cell unless it is entered, 5 the program, which closes itself at
// exec; nothing else.
void arrangeDescriptors(const Job& job, int program) {
  std::vector<std::pair<int, int>> moves{{job.input.get(), STDIN_FILENO},
                                         {job.output.get(), STDOUT_FILENO},
                                         {job.log.get(), STDERR_FILENO},
                                         {job.result.get(), resultDescriptor},
                                         {program, programDescriptor}};
  if (job.mount) moves.emplace_back(job.mount.get(), cellDescriptor);
  // Through higher numbers first: a descriptor may sit where another has to go.
  std::vector<int> copies;
  for (auto [from, to] : moves) {
    copies.push_back(::fcntl(from, F_DUPFD_CLOEXEC, programDescriptor + 1));
    if (copies.back() < 0) throwErrno("F_DUPFD_CLOEXEC");
  }
  std::vector<int> kept;
  for (size_t i = 0; i < moves.size(); ++i) {
    if (::dup3(copies[i], moves[i].second, 0) < 0) throwErrno("dup3");
    kept.push_back(moves[i].second);
  }
  closeAllBut(kept);
  if (::fcntl(programDescriptor, F_SETFD, FD_CLOEXEC) != 0) throwErrno("F_SETFD");
}

// Beside the unpacker's own count: it holds for one that is taken over, too.
void limitFileSize(std::uint64_t bytes) {
  struct rlimit limit {
    bytes, bytes
  };
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) throwErrno("RLIMIT_FSIZE");
}

// In the worker's place: here, not in the zygote itself, since main may have closed the pipe.
[[noreturn]] void answerCounted(const Job& job) {
  capnp::MallocMessageBuilder message;
  auto counted = message.initRoot<schema::WorkerResult>().initMeasured();
  counted.setBytes(job.counted->bytes);
  counted.setInodes(job.counted->inodes);
  ::_exit(ipc::writeMessage(job.result.get(), message) ? 0 : 1);
}

}  // namespace

Programs openPrograms(const std::string& library) {
  Programs programs;
  for (const jail::Privileges& row : jail::privilegeTable()) {
    if (!jail::isStorageWorker(row.process) || programs.contains(row.program)) continue;
    Fd program(::open((library + "/" + std::string(row.program)).c_str(), O_PATH | O_CLOEXEC));
    if (!program) throwErrno("open " + std::string(row.program));
    programs.emplace(row.program, std::move(program));
  }
  return programs;
}

Zygote::Zygote(Settings settings, Fd control, Fd store, Fd trust, std::vector<Fd> additional,
               Programs programs)
    : settings_(std::move(settings)),
      control_(std::move(control)),
      store_(std::move(store)),
      trust_(std::move(trust)),
      additional_(std::move(additional)),
      programs_(std::move(programs)) {}

Zygote::~Zygote() {
  while (!workers_.empty()) {
    kill(workers_.begin()->first);
    reap(workers_.begin()->first);
  }
}

void Zygote::serve() {
  while (true) {
    std::vector<pollfd> ready{{control_.get(), POLLIN, 0}};
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, worker] : workers_) {
      ready.push_back({worker.handle.get(), POLLIN, 0});
      numbers.push_back(number);
    }
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      if (errno == EINTR) continue;
      throwErrno("poll");
    }
    for (size_t i = 0; i < numbers.size(); ++i) {
      if (ready[i + 1].revents != 0) reap(numbers[i]);
    }
    if (ready[0].revents == 0) continue;
    auto packet = ipc::receivePacket(control_.get());
    if (!packet) return;
    handle(std::move(*packet));
  }
}

// A request that cannot be met is dropped: its pipes close, and main sees that the worker is gone.
void Zygote::handle(ipc::Packet packet) {
  auto request = packet.as<schema::WorkerRequest>();
  if (request.isKill()) {
    kill(request.getNumber());
    return;
  }
  if (workers_.contains(request.getNumber()) || workers_.size() >= limits::workers) {
    log::error("no worker for a request", {{"reason", "its number is taken or there are too many"}});
    return;
  }
  try {
    overlay::Stores stores = overlay::borrow(store_, additional_);
    auto job = parseJob(request, packet, stores, trust_.get(), settings_.driver, settings_.limits);
    if (!job) {
      log::error("no worker for a request", {{"reason", describe(job.error())}});
      return;
    }
    start(request.getNumber(), std::move(*job));
  } catch (const SystemError& error) {
    log::error("no worker for a request", {{"reason", error.what()}});
  }
}

void Zygote::start(std::uint64_t number, Job job) {
  pid_t self = ::getpid();
  pid_t pid = ::fork();
  if (pid < 0) throwErrno("fork");
  if (pid == 0) becomeWorker(std::move(job), self);
  // Not yet reaped, so the pid is still this child's.
  Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  // A worker that cannot be ended must not be: by our own end, then.
  if (!handle) throw std::runtime_error("pidfd_open: " + errnoText(errno));
  workers_.emplace(number, Worker{pid, std::move(handle)});
}

void Zygote::becomeWorker(Job job, pid_t parent) const {
  try {
    // The zygote's death ends its workers; it may have died before this was set.
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
    if (job.counted) answerCounted(job);
    if (job.prepare) job.prepare(job);
    if (!job.pieces.empty()) {
      jail::enterView(std::exchange(job.pieces, {}));
    } else if (!loadsLibraries(job.role)) {
      jail::enterCell(std::move(job.mount));
    }
    if (job.role == jail::Process::unpackWorker) limitFileSize(settings_.limits.bytes);
    std::string_view program = jail::privilegesOf(job.role).program;
    arrangeDescriptors(job, programs_.at(program).get());
    std::vector<std::string> words{std::string(program)};
    words.insert(words.end(), job.arguments.begin(), job.arguments.end());
    words.insert(words.end(), {"--storage-uid", std::to_string(settings_.storageUid), "--storage-gid",
                               std::to_string(settings_.storageGid)});
    if (!settings_.root.empty()) words.insert(words.end(), {"--root", settings_.root});
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    char* const environment[] = {nullptr};
    jail::limitBounding(startingSet(job.role) & jail::boundingCapabilities());
    jail::setCapabilities(startingSet(job.role) & jail::permittedCapabilities());
    ::execveat(programDescriptor, "", arguments.data(), environment, AT_EMPTY_PATH);
    log::error("cannot execute the worker", {{"reason", errnoText(errno)}});
  } catch (const std::exception& error) {
    log::error("cannot make a worker", {{"reason", error.what()}});
  }
  ::_exit(1);
}

void Zygote::kill(std::uint64_t number) {
  auto found = workers_.find(number);
  if (found == workers_.end()) return;  // it was faster
  if (::syscall(SYS_pidfd_send_signal, found->second.handle.get(), SIGKILL, nullptr, 0) != 0 &&
      errno != ESRCH) {
    throwErrno("pidfd_send_signal");
  }
}

void Zygote::reap(std::uint64_t number) {
  auto found = workers_.find(number);
  int status = 0;
  while (::waitpid(found->second.pid, &status, 0) < 0 && errno == EINTR) {
  }
  // SIGKILL is ours; any other signal is a worker that its input or its filter brought down.
  if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) {
    log::warning("a worker was killed", {{"signal", std::to_string(WTERMSIG(status))}});
  }
  workers_.erase(found);
}

}  // namespace bulkhead::zygote
