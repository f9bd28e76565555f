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
  const PodNetwork* pod = nullptr;  // outlives the run
  std::string config;               // for its standard input
  std::chrono::milliseconds timeout{};
};

// Of a plugin that ended by itself.
struct PluginOutput {
  int status = 0;  // 0-255, or 128 + signal
  std::string out;
  std::string err;
};

class PluginRun {
 public:
  PluginRun(kj::UnixEventPort& port, PluginCall call);

  // Once. Resolves when the plugin has ended. Refusals: deadlineExceeded (it was killed), unavailable (it
  // printed more than limits::pluginOutput, or the runner failed), and the runner's own.
  kj::Promise<Outcome<PluginOutput>> run(HelperChannel& runner);

 private:
  struct Descriptors;
  PluginRun(kj::UnixEventPort& port, PluginCall call, Descriptors descriptors);

  kj::Own<capnp::MallocMessageBuilder> request() const;
  Outcome<PluginOutput> conclude(ipc::Packet packet);

  PluginCall call_;
  std::vector<Fd> theirs_;  // stdin, stdout, stderr, answer socket
  PipeReader out_;
  PipeReader err_;
  ipc::AsyncPacketSocket answer_;
  kj::Promise<void> pumping_ = nullptr;  // last: it uses the readers
};

}  // namespace bulkhead::netd
