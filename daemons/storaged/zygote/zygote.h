// The zygote's loop: requests in, workers out, nothing else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/storaged/zygote/job.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::zygote {

struct Settings {
  std::string root;  // the instance's; passed on to workers
  uid_t storageUid = 0;
  gid_t storageGid = 0;
  LayerLimits limits;
};

// Takes the control socket, the store's directory and the worker program (O_PATH).
class Zygote {
 public:
  Zygote(Settings settings, Fd control, Fd store, Fd program);
  ~Zygote();  // ends every worker

  // Until main closes the control socket. Throws on broken machinery and on a main that does not speak our
  // language.
  void serve();

 private:
  struct Worker {
    pid_t pid;
    Fd handle;  // pidfd
  };

  void handle(ipc::Packet packet);
  void start(std::uint64_t number, Job job);
  [[noreturn]] void becomeWorker(Job job, pid_t parent) const;
  void kill(std::uint64_t number);
  void reap(std::uint64_t number);

  Settings settings_;
  Fd control_;
  Fd store_;
  Fd program_;
  std::map<std::uint64_t, Worker> workers_;  // by main's number
};

}  // namespace bulkhead::zygote
