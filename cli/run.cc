// bulkheadctl run IMAGE: a pod with one container, as the kubelet would make it.
#include <sys/random.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/instance.h"
#include "cli/json.h"
#include "cli/pull-progress.h"
#include "cli/run-spec.h"
#include "cli/table.h"

namespace bulkhead::cli {
namespace {

struct Options {
  Target target;
  RunOptions run;
  bool json = false;
};

// 128 random bits in the form of a UUID (RFC 9562, version 4): what the kubelet's pod uids look like.
std::string randomUid() {
  unsigned char bytes[16];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throwErrno("getrandom");
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < sizeof bytes; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

void pullIfAbsent(Client& client, const Options& options) {
  runtime::v1::ImageStatusRequest request;
  request.mutable_image()->set_image(options.run.image);
  auto answer = client.call(client.images(), &ImageService::Stub::ImageStatus, request);
  if (answer.has_image()) return;
  pullImage(options.target, options.run.image, std::cerr, STDERR_FILENO);
}

// By the contract of CRI the log directories are the kubelet's to make, here ours. Who may not leaves it to
// the daemon.
void makeLogDirectory(const std::string& pod, const std::string& container) {
  std::error_code ignored;
  std::filesystem::create_directories(pod + "/" + container, ignored);
}

// Removes the pod again unless the container runs.
class PodUndo {
 public:
  PodUndo(Client& client, std::string id, std::string logs)
      : client_(client), id_(std::move(id)), logs_(std::move(logs)) {}
  ~PodUndo() {
    if (id_.empty()) return;
    try {
      runtime::v1::StopPodSandboxRequest stop;
      stop.set_pod_sandbox_id(id_);
      client_.call(client_.runtime(), &RuntimeService::Stub::StopPodSandbox, stop);
      runtime::v1::RemovePodSandboxRequest remove;
      remove.set_pod_sandbox_id(id_);
      client_.call(client_.runtime(), &RuntimeService::Stub::RemovePodSandbox, remove);
      std::error_code ignored;
      std::filesystem::remove_all(logs_, ignored);
    } catch (const std::exception& error) {
      std::cerr << "bulkheadctl: pod " << shortId(id_) << " is left behind: " << error.what() << "\n";
    }
  }
  PodUndo(const PodUndo&) = delete;
  PodUndo& operator=(const PodUndo&) = delete;
  void keep() { id_.clear(); }

 private:
  Client& client_;
  std::string id_;
  std::string logs_;
};

std::string createContainer(Client& client, const std::string& pod,
                            const runtime::v1::PodSandboxConfig& podConfig,
                            const runtime::v1::ContainerConfig& config) {
  runtime::v1::CreateContainerRequest request;
  request.set_pod_sandbox_id(pod);
  *request.mutable_config() = config;
  *request.mutable_sandbox_config() = podConfig;
  return client.call(client.runtime(), &RuntimeService::Stub::CreateContainer, request).container_id();
}

void startContainer(Client& client, const std::string& id) {
  runtime::v1::StartContainerRequest request;
  request.set_container_id(id);
  client.call(client.runtime(), &RuntimeService::Stub::StartContainer, request);
}

int run(Options& options) {
  RunOptions& wanted = options.run;
  wanted.uid = randomUid();
  if (wanted.name.empty()) wanted.name = "main";
  if (wanted.pod.empty()) wanted.pod = "run-" + wanted.uid.substr(0, 8);
  wanted.logRoot = orFail(Instance::at(options.target.root, "")).layout.logs;
  auto container = orFail(containerConfigOf(wanted));
  auto pod = podConfigOf(wanted);

  Client client(options.target);
  pullIfAbsent(client, options);
  makeLogDirectory(pod.log_directory(), wanted.name);
  runtime::v1::RunPodSandboxRequest request;
  *request.mutable_config() = pod;
  request.set_runtime_handler(wanted.runtimeHandler);
  std::string podId =
      client.call(client.runtime(), &RuntimeService::Stub::RunPodSandbox, request).pod_sandbox_id();
  PodUndo undo(client, podId, pod.log_directory());
  std::string id = createContainer(client, podId, pod, container);
  startContainer(client, id);
  undo.keep();

  if (options.json) {
    printJson({{"container_id", id}, {"pod_sandbox_id", podId}, {"pod", wanted.pod}});
  } else {
    std::cout << id << "\n";
  }
  return 0;
}

}  // namespace

void addRun(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  RunOptions& wanted = options->run;
  CLI::App* command = app.add_subcommand("run", "make a pod with one container and start it; prints its id");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_option("--name", wanted.name, "container's name (default: main)");
  command->add_option("--pod", wanted.pod, "pod's name (default: a random one)");
  command->add_option("--namespace", wanted.podNamespace, "pod's namespace")->capture_default_str();
  command->add_option("--runtime", wanted.runtimeHandler, "runtime handler (default: the configured one)");
  command->add_flag("--host-network", wanted.hostNetwork, "share the host's network namespace");
  command->add_flag("--read-only", wanted.readOnly, "read-only root file system");
  command->add_option("-e,--env", wanted.environment, "NAME=VALUE")->allow_extra_args(false);
  command->add_option("-v,--volume", wanted.volumes, "SRC:DST[:ro]")->allow_extra_args(false);
  command->add_option("IMAGE", wanted.image, "reference or id; pulled if absent")->required();
  command->add_option("ARGS", wanted.arguments, "after --: arguments instead of the image's");
  command->callback([&chosen, options] { chosen = [options] { return run(*options); }; });
}

}  // namespace bulkhead::cli
