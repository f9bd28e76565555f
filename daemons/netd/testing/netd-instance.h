// A running bulkhead-netd, its directories, and a client that is bulkhead-cri to it.
#pragma once

#include <kj/async-io.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/common/base/layout.h"
#include "ipc/rpc.h"
#include "ipc/schema/network.capnp.h"

namespace bulkhead::netd::testing {

class NetdInstance {
 public:
  // Makes the directories; nothing runs yet. The programs are in $BULKHEAD_BUILD/bin.
  NetdInstance();
  // Kills netd, unmounts what is left and removes the directories.
  ~NetdInstance() noexcept;

  // `extra`: more lines for [network].
  void writeConfig(const std::string& extra = "");
  void writeCeiling(const std::string& text);
  void writeConflist(const std::string& name, const std::string& text);
  // An executable script in the plugin directory that is searched first.
  void writePlugin(const std::string& name, const std::string& text);

  void start();
  // kill -9, as a crash.
  void kill();

  // One call each, as the frontend makes it.
  Outcome<std::vector<std::string>> attach(const std::string& pod, uint16_t hostPort = 0);
  Outcome<void> detach(const std::string& pod);
  std::vector<std::string> list();
  std::string notReady();  // the reason and message; empty when ready
  // For calls that overlap.
  schema::Netd::Client client();
  // Whether a caller who is root, not bulkhead-cri, gets an answer.
  bool answersRoot();

  // Waits, at most 20 s, until `pods` are listed.
  bool waitForCount(size_t pods);
  // Files under `directory` (beneath the root) whose name holds `part`.
  [[nodiscard]] size_t countFiles(const std::string& directory, const std::string& part) const;
  [[nodiscard]] size_t countOpenFiles() const;  // netd's
  [[nodiscard]] size_t countMounts() const;     // beneath our root
  [[nodiscard]] const std::string& root() const { return root_; }

  kj::AsyncIoContext io = kj::setupAsyncIo();

 private:
  // The answer, or kj::Exception (OVERLOADED) after a minute: netd is gone or hangs.
  template <typename T>
  T answerOf(kj::Promise<T> promise) {
    return io.provider->getTimer().timeoutAfter(1 * kj::MINUTES, kj::mv(promise)).wait(io.waitScope);
  }

  std::string root_;
  Layout layout_;
  pid_t pid_ = -1;
  int listener_ = -1;
  std::optional<ipc::RpcPeer> peer_;
};

// The request that attach() sends.
void fill(schema::PodNetwork::Builder to, const std::string& pod, uint16_t hostPort);

}  // namespace bulkhead::netd::testing
