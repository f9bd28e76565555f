#include "daemons/cri-frontend/cri-services.h"

#include <grpc/support/log.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_posix.h>

#include <thread>

#include "bulkhead/admin/v1/admin.grpc.pb.h"
#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/log.h"
#include "daemons/common/base/sockets.h"
#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/calls/stats.h"
#include "daemons/cri-frontend/calls/streaming-calls.h"
#include "daemons/cri-frontend/calls/streams.h"
#include "daemons/cri-frontend/calls/upkeep-calls.h"
#include "daemons/cri-frontend/grpc-stream.h"
#include "ipc/limits.h"
#include "runtime/v1/api.grpc.pb.h"

namespace bulkhead::cri {
namespace {

using Context = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;
template <typename Message>
using Writer = grpc::ServerWriteReactor<Message>;

// What all services share: how a method's call gets to its handler.
struct Dispatch {
  Frontend& frontend;
  GrpcBridge& bridge;

  template <typename Request, typename Response>
  Reactor* operator()(const Request* request, Response* response,
                      Answer<Response> (*handler)(Frontend&, const Request&),
                      ClientGone gone = ClientGone::finish) const {
    auto handle = [&to = frontend, handler](const Request& asked) { return handler(to, asked); };
    return bridge.run(request, response, handle, gone);
  }
  template <typename Request, typename Message>
  Writer<Message>* stream(const Request* request,
                          Stream<Message> (*handler)(Frontend&, const Request&)) const {
    auto handle = [&to = frontend, handler](const Request& asked) { return handler(to, asked); };
    return runStream<Request, Message>(bridge, request, handle);
  }
};

// Methods that are not overridden answer UNIMPLEMENTED.
class RuntimeService final : public v1::RuntimeService::CallbackService {
 public:
  explicit RuntimeService(Dispatch run) : run_(run) {}

  Reactor* Version(Context*, const v1::VersionRequest* q, v1::VersionResponse* a) override {
    return run_(q, a, version);
  }
  Reactor* Status(Context*, const v1::StatusRequest* q, v1::StatusResponse* a) override {
    return run_(q, a, status);
  }
  Reactor* RuntimeConfig(Context*, const v1::RuntimeConfigRequest* q, v1::RuntimeConfigResponse* a) override {
    return run_(q, a, runtimeConfig);
  }

  Reactor* RunPodSandbox(Context*, const v1::RunPodSandboxRequest* q, v1::RunPodSandboxResponse* a) override {
    return run_(q, a, runPodSandbox);
  }
  Reactor* StopPodSandbox(Context*, const v1::StopPodSandboxRequest* q,
                          v1::StopPodSandboxResponse* a) override {
    return run_(q, a, stopPodSandbox);
  }
  Reactor* RemovePodSandbox(Context*, const v1::RemovePodSandboxRequest* q,
                            v1::RemovePodSandboxResponse* a) override {
    return run_(q, a, removePodSandbox);
  }
  Reactor* PodSandboxStatus(Context*, const v1::PodSandboxStatusRequest* q,
                            v1::PodSandboxStatusResponse* a) override {
    return run_(q, a, podSandboxStatus);
  }
  Reactor* ListPodSandbox(Context*, const v1::ListPodSandboxRequest* q,
                          v1::ListPodSandboxResponse* a) override {
    return run_(q, a, listPodSandbox);
  }

  Reactor* CreateContainer(Context*, const v1::CreateContainerRequest* q,
                           v1::CreateContainerResponse* a) override {
    return run_(q, a, createContainer);
  }
  Reactor* StartContainer(Context*, const v1::StartContainerRequest* q,
                          v1::StartContainerResponse* a) override {
    return run_(
        q, a,
        static_cast<Answer<v1::StartContainerResponse> (*)(Frontend&, const v1::StartContainerRequest&)>(
            startContainer));
  }
  Reactor* StopContainer(Context*, const v1::StopContainerRequest* q, v1::StopContainerResponse* a) override {
    return run_(q, a, stopContainer);
  }
  Reactor* RemoveContainer(Context*, const v1::RemoveContainerRequest* q,
                           v1::RemoveContainerResponse* a) override {
    return run_(q, a, removeContainer);
  }
  Reactor* ContainerStatus(Context*, const v1::ContainerStatusRequest* q,
                           v1::ContainerStatusResponse* a) override {
    return run_(q, a, containerStatus);
  }
  Reactor* ListContainers(Context*, const v1::ListContainersRequest* q,
                          v1::ListContainersResponse* a) override {
    return run_(q, a, listContainers);
  }
  // Nobody is left to read the output, and without a timeout the command could hold us for ever.
  Reactor* ExecSync(Context*, const v1::ExecSyncRequest* q, v1::ExecSyncResponse* a) override {
    return run_(q, a, execSync, ClientGone::cancel);
  }

  Reactor* Exec(Context*, const v1::ExecRequest* q, v1::ExecResponse* a) override { return run_(q, a, exec); }
  Reactor* Attach(Context*, const v1::AttachRequest* q, v1::AttachResponse* a) override {
    return run_(q, a, attach);
  }
  Reactor* PortForward(Context*, const v1::PortForwardRequest* q, v1::PortForwardResponse* a) override {
    return run_(q, a, portForward);
  }

  Reactor* ReopenContainerLog(Context*, const v1::ReopenContainerLogRequest* q,
                              v1::ReopenContainerLogResponse* a) override {
    return run_(q, a, reopenContainerLog);
  }
  Reactor* UpdateContainerResources(Context*, const v1::UpdateContainerResourcesRequest* q,
                                    v1::UpdateContainerResourcesResponse* a) override {
    return run_(q, a, updateContainerResources);
  }
  Reactor* UpdatePodSandboxResources(Context*, const v1::UpdatePodSandboxResourcesRequest* q,
                                     v1::UpdatePodSandboxResourcesResponse* a) override {
    return run_(q, a, updatePodSandboxResources);
  }
  Reactor* UpdateRuntimeConfig(Context*, const v1::UpdateRuntimeConfigRequest* q,
                               v1::UpdateRuntimeConfigResponse* a) override {
    return run_(q, a, updateRuntimeConfig);
  }
  Reactor* CheckpointContainer(Context* call, const v1::CheckpointContainerRequest*,
                               v1::CheckpointContainerResponse*) override {
    return noCheckpoints(*call);
  }
  Reactor* CheckpointPod(Context* call, const v1::CheckpointPodRequest*,
                         v1::CheckpointPodResponse*) override {
    return noCheckpoints(*call);
  }
  Reactor* RestorePod(Context* call, const v1::RestorePodRequest*, v1::RestorePodResponse*) override {
    return noCheckpoints(*call);
  }

  Reactor* ContainerStats(Context*, const v1::ContainerStatsRequest* q,
                          v1::ContainerStatsResponse* a) override {
    return run_(q, a, containerStats);
  }
  Reactor* ListContainerStats(Context*, const v1::ListContainerStatsRequest* q,
                              v1::ListContainerStatsResponse* a) override {
    return run_(q, a, listContainerStats);
  }
  Reactor* PodSandboxStats(Context*, const v1::PodSandboxStatsRequest* q,
                           v1::PodSandboxStatsResponse* a) override {
    return run_(q, a, podSandboxStats);
  }
  Reactor* ListPodSandboxStats(Context*, const v1::ListPodSandboxStatsRequest* q,
                               v1::ListPodSandboxStatsResponse* a) override {
    return run_(q, a, listPodSandboxStats);
  }
  Reactor* ListMetricDescriptors(Context*, const v1::ListMetricDescriptorsRequest* q,
                                 v1::ListMetricDescriptorsResponse* a) override {
    return run_(q, a, listMetricDescriptors);
  }
  Reactor* ListPodSandboxMetrics(Context*, const v1::ListPodSandboxMetricsRequest* q,
                                 v1::ListPodSandboxMetricsResponse* a) override {
    return run_(q, a, listPodSandboxMetrics);
  }

  Writer<v1::ContainerEventResponse>* GetContainerEvents(Context*, const v1::GetEventsRequest* q) override {
    return run_.stream(q, getContainerEvents);
  }
  Writer<v1::StreamPodSandboxesResponse>* StreamPodSandboxes(
      Context*, const v1::StreamPodSandboxesRequest* q) override {
    return run_.stream(q, streamPodSandboxes);
  }
  Writer<v1::StreamContainersResponse>* StreamContainers(Context*,
                                                         const v1::StreamContainersRequest* q) override {
    return run_.stream(q, streamContainers);
  }
  Writer<v1::StreamContainerStatsResponse>* StreamContainerStats(
      Context*, const v1::StreamContainerStatsRequest* q) override {
    return run_.stream(q, streamContainerStats);
  }
  Writer<v1::StreamPodSandboxStatsResponse>* StreamPodSandboxStats(
      Context*, const v1::StreamPodSandboxStatsRequest* q) override {
    return run_.stream(q, streamPodSandboxStats);
  }
  Writer<v1::StreamPodSandboxMetricsResponse>* StreamPodSandboxMetrics(
      Context*, const v1::StreamPodSandboxMetricsRequest* q) override {
    return run_.stream(q, streamPodSandboxMetrics);
  }

 private:
  // The kubelet's checkpoint API answers "not found" for this code, as for a runtime that has no such call.
  static Reactor* noCheckpoints(Context& call) {
    auto* reactor = call.DefaultReactor();
    reactor->Finish({grpc::StatusCode::UNIMPLEMENTED,
                     "checkpoint and restore need CRIU, which this version of Bulkhead does not run"});
    return reactor;
  }

  Dispatch run_;
};

class ImageService final : public v1::ImageService::CallbackService {
 public:
  explicit ImageService(Dispatch run) : run_(run) {}

  // Whoever leaves leaves the others' pull alone; without any, nobody needs it.
  Reactor* PullImage(Context*, const v1::PullImageRequest* q, v1::PullImageResponse* a) override {
    return run_(q, a, pullImage, ClientGone::cancel);
  }
  Reactor* ImageStatus(Context*, const v1::ImageStatusRequest* q, v1::ImageStatusResponse* a) override {
    return run_(q, a, imageStatus);
  }
  Reactor* ListImages(Context*, const v1::ListImagesRequest* q, v1::ListImagesResponse* a) override {
    return run_(q, a, listImages);
  }
  Reactor* RemoveImage(Context*, const v1::RemoveImageRequest* q, v1::RemoveImageResponse* a) override {
    return run_(q, a, removeImage);
  }
  Writer<v1::StreamImagesResponse>* StreamImages(Context*, const v1::StreamImagesRequest* q) override {
    return run_.stream(q, streamImages);
  }
  Reactor* ImageFsInfo(Context*, const v1::ImageFsInfoRequest* q, v1::ImageFsInfoResponse* a) override {
    return run_(q, a, imageFsInfo);
  }

 private:
  Dispatch run_;
};

class AdminService final : public ::bulkhead::admin::v1::Admin::CallbackService {
 public:
  explicit AdminService(Dispatch run) : run_(run) {}

  Reactor* ListPulls(Context*, const ::bulkhead::admin::v1::ListPullsRequest* q,
                     ::bulkhead::admin::v1::ListPullsResponse* a) override {
    return run_(q, a, listPulls);
  }

 private:
  Dispatch run_;
};

void logFromGrpc(gpr_log_func_args* args) {
  if (args->severity == GPR_LOG_SEVERITY_ERROR) log::warning("grpc", {{"message", args->message}});
}

}  // namespace

struct CriServices::Impl {
  explicit Impl(Frontend& to)
      : frontend(to), runtime({to, bridge}), image({to, bridge}), admin({to, bridge}), server(start()) {}

  std::unique_ptr<grpc::Server> start() {
    constexpr int threads = 4;  // they only unpack, hand over and pack; each costs memory
    gpr_set_log_function(logFromGrpc);
    grpc::ServerBuilder builder;
    builder.SetResourceQuota(grpc::ResourceQuota("cri").SetMaxThreads(threads));
    builder.SetMaxReceiveMessageSize(limits::grpcMessage);
    builder.SetMaxSendMessageSize(limits::grpcMessage);
    builder.RegisterService(&runtime);
    builder.RegisterService(&image);
    builder.RegisterService(&admin);
    auto built = builder.BuildAndStart();
    if (!built) throw std::runtime_error("the gRPC server does not start");
    return built;
  }

  kj::Promise<void> acceptAll(Fd& listener, kj::UnixEventPort::FdObserver& observer, CriServices& services) {
    while (Fd connection = acceptOn(listener.get())) services.serve(std::move(connection));
    auto again = [&]() { return acceptAll(listener, observer, services); };
    if (errno == EAGAIN) return observer.whenBecomesReadable().then(kj::mv(again));
    // Out of descriptors or memory: who waits in the backlog makes no new edge, so ask again by the clock.
    log::warning("accept failed", {{"error", errnoText(errno)}});
    return frontend.loop.timer.afterDelay(1 * kj::SECONDS).then(kj::mv(again));
  }

  Frontend& frontend;
  GrpcBridge bridge;
  RuntimeService runtime;
  ImageService image;
  AdminService admin;
  std::unique_ptr<grpc::Server> server;
};

CriServices::CriServices(Frontend& frontend, kj::WaitScope& waitScope)
    : impl_(std::make_unique<Impl>(frontend)), waitScope_(waitScope) {}

CriServices::~CriServices() {
  auto ended = kj::newPromiseAndCrossThreadFulfiller<void>();
  std::thread ending([&]() {
    impl_->server->Shutdown(std::chrono::system_clock::now());
    ended.fulfiller->fulfill();
  });
  ended.promise.wait(waitScope_);
  ending.join();
}

// gRPC reads a descriptor that it is given as if it were non-blocking, and does not make it so.
void CriServices::serve(Fd connection) {
  setNonBlocking(connection.get());
  grpc::AddInsecureChannelFromFd(impl_->server.get(), connection.release());
}

kj::Promise<void> CriServices::accept(Fd listener) {
  setNonBlocking(listener.get());
  auto owned = kj::heap(std::move(listener));
  auto observer = kj::heap<kj::UnixEventPort::FdObserver>(impl_->frontend.loop.port, owned->get(),
                                                          kj::UnixEventPort::FdObserver::OBSERVE_READ);
  auto& fd = *owned;
  auto& readiness = *observer;
  return impl_->acceptAll(fd, readiness, *this).attach(kj::mv(observer)).attach(kj::mv(owned));
}

}  // namespace bulkhead::cri
