#include "cli/client.h"

#include <grpcpp/grpcpp.h>

#include "cli/instance.h"

namespace bulkhead::cli {
namespace {

// ExecSync answers with up to 16 MiB of each stream.
constexpr int maxAnswer = 40 << 20;

std::string socketOf(const Target& target) {
  constexpr std::string_view scheme = "unix://";
  if (target.socket.starts_with(scheme)) return absolutePath(target.socket.substr(scheme.size()));
  if (!target.socket.empty()) return absolutePath(target.socket);
  return orFail(Instance::at(target.root, "")).layout.criSocket();
}

}  // namespace

Client::Client(const Target& target) : socket_(socketOf(target)) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(maxAnswer);
  // A proxy from the environment has no business with a socket on this machine.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  auto channel = grpc::CreateCustomChannel("unix:" + socket_, grpc::InsecureChannelCredentials(), arguments);
  runtime_ = RuntimeService::NewStub(channel);
  images_ = ImageService::NewStub(channel);
  admin_ = bulkhead::admin::v1::Admin::NewStub(channel);
}

void Client::check(const grpc::Status& status) const {
  if (status.ok()) return;
  bool noDaemon = status.error_code() == grpc::StatusCode::UNAVAILABLE &&
                  status.error_message().find("connect") != std::string::npos;
  if (noDaemon) {
    throw CommandError("cannot reach Bulkhead at unix://" + socket_ +
                       ": is it running (bulkheadctl up), and is this the right --root or --socket?");
  }
  throw CommandError(status.error_message().empty()
                         ? "the daemon answered with code " + std::to_string(status.error_code())
                         : status.error_message());
}

std::vector<runtime::v1::PodSandbox> Client::listPods() {
  auto answer = call(runtime(), &RuntimeService::Stub::ListPodSandbox, runtime::v1::ListPodSandboxRequest());
  return {answer.items().begin(), answer.items().end()};
}

std::vector<runtime::v1::Container> Client::listContainers() {
  auto answer = call(runtime(), &RuntimeService::Stub::ListContainers, runtime::v1::ListContainersRequest());
  return {answer.containers().begin(), answer.containers().end()};
}

namespace {

void addPods(Client& client, std::vector<Named>& all) {
  for (const auto& pod : client.listPods()) {
    const auto& metadata = pod.metadata();
    all.push_back({Kind::pod, pod.id(), metadata.name(), metadata.namespace_() + "/" + metadata.name()});
  }
}

void addContainers(Client& client, std::vector<Named>& all) {
  for (const auto& container : client.listContainers()) {
    all.push_back({Kind::container, container.id(), container.metadata().name(), ""});
  }
}

}  // namespace

Named Client::findPod(const std::string& text) {
  std::vector<Named> all;
  addPods(*this, all);
  return orFail(resolve(text, all, "pod"));
}

Named Client::findContainer(const std::string& text) {
  std::vector<Named> all;
  addContainers(*this, all);
  return orFail(resolve(text, all, "container"));
}

Named Client::findEither(const std::string& text) {
  std::vector<Named> all;
  addPods(*this, all);
  addContainers(*this, all);
  return orFail(resolve(text, all, "pod or container"));
}

}  // namespace bulkhead::cli
