// LauncherClient: the privileged launcher, as cri sees it. One connection per request.
#pragma once

#include <kj/async-unix.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/cri-frontend/peers/calling.h"
#include "ipc/packet-client.h"
#include "ipc/schema/launch.capnp.h"

namespace bulkhead::cri {

struct ExitFacts {
  int code = 0;           // 0-255; 128 + signal
  int64_t startedAt = 0;  // nanoseconds since the epoch; 0: never started
  int64_t finishedAt = 0;
  bool oomKilled = false;
};
ExitFacts readExit(schema::Exit::Reader from);

struct ContainerFacts {
  enum class State { created, running, exited, lost };
  ContainerId id;
  PodId podId;
  int pid = 0;
  State state = State::lost;
  ExitFacts exit;      // if exited
  std::string cgroup;  // "/kubepods/…", beneath every hierarchy
};

struct PodFacts {
  PodId id;
  std::vector<ContainerFacts> containers;
  std::string cgroup;  // parent of its containers'
};

// What a container's processes hold open.
struct OpenFiles {
  uint64_t descriptors = 0;
  uint64_t sockets = 0;  // of these
  uint64_t limit = 0;    // of descriptors, soft, of the first process
};

struct ExecResult {
  bool timedOut = false;
  int exitCode = 0;
};

class LauncherClient {
 public:
  LauncherClient(kj::UnixEventPort& port, kj::Timer& timer, std::string socket);

  // Answers the pod's control group.
  Answer<std::string> makePod(std::function<void(schema::PodSpec::Builder)> describe);
  Answer<void> removePod(const PodId& pod);
  Answer<ContainerFacts> createContainer(std::function<void(schema::ContainerSpec::Builder)> describe);
  Answer<void> startContainer(const ContainerId& container);
  // `all`: every process of the container, not only its first.
  Answer<void> signalContainer(const ContainerId& container, unsigned signal, bool all);
  Answer<void> deleteContainer(const ContainerId& container);
  // The command's ends of its pipes. `timeoutMs` 0: none; then the answer may take for ever.
  struct ExecPipes {
    Fd in;  // none: /dev/null
    Fd out;
    Fd err;
    Fd terminal;  // instead of the others: a connected socket, over which the command's terminal will come
  };
  Answer<ExecResult> exec(const ContainerId& container, const std::vector<std::string>& args,
                          uint32_t timeoutMs, ExecPipes pipes);
  // notFound if the launcher does not know it.
  Answer<ContainerFacts> inspect(const ContainerId& container);
  Answer<std::vector<PodFacts>> list();
  // Of those containers of `pods` that run.
  Answer<std::map<ContainerId, OpenFiles>> countFiles(const std::vector<PodId>& pods);
  // Which version of the OCI runtime behind `handler` runs here.
  Answer<std::string> version(const std::string& handler);

 private:
  using Fill = std::function<void(schema::LaunchRequest::Builder)>;
  template <typename T>
  using Read = std::function<Outcome<T>(schema::LaunchReply::Reader)>;

  // `limit` 0: none.
  template <typename T>
  Answer<T> request(Repeat repeat, kj::Duration limit, Fill fill, Read<T> read, std::vector<Fd> fds = {});
  Answer<void> run(Repeat repeat, kj::Duration limit, Fill fill);

  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  std::string socket_;
};

}  // namespace bulkhead::cri
