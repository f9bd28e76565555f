// The zygote's loop: requests in, workers out, nothing else.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/storaged/zygote/job.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::zygote {

struct Settings {
  std::string root;     // the instance's; passed on to workers
  std::string library;  // the directory of the workers' programs
  uid_t storageUid = 0;
  gid_t storageGid = 0;
  LayerLimits limits;
  Driver driver = Driver::overlay;
  int additional = 0;  // stores that layers may lie in besides
};

// The programs of all workers, by the name that the privilege table gives them (O_PATH). Held from before
// anybody can talk to us: a worker is this file, whatever the path comes to mean.
using Programs = std::map<std::string_view, Fd>;
// Throws SystemError for one that is not there.
Programs openPrograms(const std::string& library);

// Takes the control socket, the directories of the store, of root's policies and of additional stores, and
// the workers' programs.
class Zygote {
 public:
  Zygote(Settings settings, Fd control, Fd store, Fd trust, std::vector<Fd> additional, Programs programs);
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
  Fd trust_;
  std::vector<Fd> additional_;
  Programs programs_;
  std::map<std::uint64_t, Worker> workers_;  // by main's number
};

}  // namespace bulkhead::zygote
