// One instance of launcher with everything around it that is not under test.
#pragma once

#include <capnp/message.h>

#include <functional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/layout.h"
#include "ipc/packet.h"
#include "ipc/schema/launch.capnp.h"
#include "ipc/schema/shim.capnp.h"

namespace bulkhead::shim::testing {

inline constexpr uid_t criUid = 1900000000;  // bulkhead.toml, identity.uid_base

// Enters a mount namespace of the test's own, where crun also works on a hybrid host (hugetlb is mounted as
// v1), and becomes a subreaper. Once per process; false if not root.
bool enterOwnMounts();

class Instance {
 public:
  // `runtime`: runc or crun. `ceiling`: lines for ceiling.toml besides the harness's own.
  explicit Instance(const std::string& runtime, const std::string& ceiling = "");
  ~Instance();
  Instance(const Instance&) = delete;

  using Fill = std::function<void(schema::LaunchRequest::Builder)>;
  // One request as cri; nothing if the connection is closed without an answer.
  std::optional<ipc::Packet> ask(const Fill& fill, const std::vector<int>& fds = {}, uid_t as = criUid);
  // "" if done, else "code field: reason".
  std::string tryAsk(const Fill& fill);
  schema::ContainerInfo::State state(const ContainerId& id);

  // A pod with a network namespace of its own.
  PodId makePod(const std::function<void(schema::PodSpec::Builder)>& change = {});
  Fill container(const ContainerId& id, const PodId& pod, const std::vector<std::string>& args,
                 const std::function<void(schema::ContainerSpec::Builder)>& change = {});
  void makeNetns(const PodId& pod);
  void removeNetns(const PodId& pod);

  // As cri, over the shim's own socket.
  void talk(const ContainerId& id, const std::function<void(schema::Shim::Client, kj::WaitScope&)>& words);
  // Waits through the shim's socket.
  schema::Exit::Reader wait(const ContainerId& id, capnp::MallocMessageBuilder& holder);
  std::string log(const std::string& name);

  void killLauncher(int signal);
  void startLauncher();

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ + "/" + name; }
  [[nodiscard]] const std::string& cgroupParent() const { return cgroupParent_; }

 private:
  std::string root_;
  Layout layout_;
  std::string cgroupParent_;
  Fd listener_;
  pid_t launcher_ = 0;
  pid_t mounter_ = 0;
};

// Runs a shell command, asserting success.
void shell(const std::string& command);
std::string readFile(const std::string& path);

}  // namespace bulkhead::shim::testing
