// One run of one plugin through cni-runner, as a flow: descriptors made, request sent, output read, end
// awaited.
#pragma once

#include <kj/async-unix.h>

#include <chrono>
#include <string>

#include "daemons/netd/helper-channel.h"
#include "daemons/netd/pipe-reader.h"
#include "daemons/netd/pod-network.h"
#include "ipc/schema/cni.capnp.h"

namespace bulkhead::netd {

struct PluginCall {
  std::string plugin;
  schema::PluginRun::Command command{};
  const PodNetwork* pod = nullptr;  // outlives the run; none for STATUS and GC
  std::string config;               // for its standard input
  std::chrono::milliseconds timeout{};
};

class PluginRun {
 public:
  PluginRun(kj::UnixEventPort& port, PluginCall call);

  // Once. Resolves when the plugin has ended, to what it printed. Refusals: deadlineExceeded (it was killed),
  // unavailable (it failed, or printed more than limits::pluginOutput, or the runner failed), and the
  // runner's own. They quote what the plugin wrote to its standard error.
  kj::Promise<Outcome<std::string>> run(HelperChannel& runner);

 private:
  struct Descriptors;
  PluginRun(kj::UnixEventPort& port, PluginCall call, Descriptors descriptors);

  kj::Own<capnp::MallocMessageBuilder> request() const;
  Outcome<std::string> conclude(ipc::Packet packet);

  PluginCall call_;
  std::vector<Fd> theirs_;  // stdin, stdout, stderr, answer socket
  PipeReader out_;
  PipeReader err_;
  ipc::AsyncPacketSocket answer_;
  kj::Promise<void> pumping_ = nullptr;  // last: it uses the readers
};

}  // namespace bulkhead::netd
