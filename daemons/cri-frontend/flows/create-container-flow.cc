#include "daemons/cri-frontend/flows/create-container-flow.h"

#include <sys/utsname.h>

#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/flows/remove-container-flow.h"
#include "daemons/cri-frontend/translate/peer-fields.h"
#include "daemons/cri-frontend/translate/pod.h"

namespace bulkhead::cri {
namespace {

// What the pod's processes see as their host name.
Outcome<std::string> hostnameIn(const Pod& pod, const Settings& settings) {
  auto plan = translatePod(pod.record.config(), pod.record.handler(), settings);
  if (!plan) return tl::unexpected(plan.error());
  std::string name = hostnameOf(pod.id, *plan);
  struct utsname host {};
  if (name.empty() && ::uname(&host) == 0) name = host.nodename;
  return name;
}

Refusal stoppedMeanwhile() {
  return {Code::failedPrecondition, "pod_sandbox_id", "the pod was stopped meanwhile"};
}

}  // namespace

Answer<ContainerId> CreateContainerFlow::run(Frontend& frontend, PodRef pod,
                                             const ::runtime::v1::ContainerConfig& config,
                                             const std::string& image) {
  auto flow = kj::heap<CreateContainerFlow>(frontend, std::move(pod), config);
  auto& self = *flow;
  auto planned = self.findImage(image);
  auto layered = andThen(kj::mv(planned), [&self]() { return self.makeLayer(); });
  auto launched = andThen(kj::mv(layered), [&self]() { return self.launch(); });
  auto made = andThen(kj::mv(launched), [&self]() { return self.commit(); });
  return made
      .then([&self](Outcome<ContainerId>&& id) -> Answer<ContainerId> {
        if (id) return std::move(id);
        return self.undo(std::move(id.error()));
      })
      .attach(kj::mv(flow));
}

CreateContainerFlow::CreateContainerFlow(Frontend& frontend, PodRef pod,
                                         const ::runtime::v1::ContainerConfig& config)
    : frontend_(frontend), pod_(std::move(pod)), config_(config), id_(ContainerId::generate()) {}

CreateContainerFlow::~CreateContainerFlow() {
  if (container_ && !over_) (void)undoContainer(frontend_, id_);
}

Answer<void> CreateContainerFlow::findImage(const std::string& image) {
  return andThen(
      frontend_.storaged.imageStatus(image), [this](std::optional<StoredImage>&& found) -> Answer<void> {
        if (!found)
          return refused<void>({Code::notFound, "config.image.image", "no such image here: pull it first"});
        return plan(*found);
      });
}

Answer<void> CreateContainerFlow::plan(const StoredImage& image) {
  auto hostname = hostnameIn(*pod_, frontend_.settings);
  if (!hostname) return refused<void>(hostname.error());
  auto translated = translateContainer(config_, pod_->record.config(), *hostname, image);
  if (!translated) return refused<void>(translated.error());
  plan_ = std::move(*translated);
  // A stop waits for creations that it finds in the table; one that is not there yet must not get there.
  if (!podIsReady()) return refused<void>(stoppedMeanwhile());
  recordIntent(image);
  return good();
}

void CreateContainerFlow::recordIntent(const StoredImage& image) {
  record::Container record;
  record.set_id(id_.text());
  record.set_pod_id(pod_->id.text());
  *record.mutable_config() = config_;
  record.set_image_id(image.id.text());
  record.set_state(record::Container::CREATING);
  record.set_uid(plan_.user.uid);
  record.set_gid(plan_.user.gid);
  for (uint32_t group : plan_.user.groups) record.add_groups(group);
  record.set_stop_signal(plan_.stopSignal);
  if (!plan_.logPath.empty())
    record.set_log_path(pod_->record.config().log_directory() + "/" + plan_.logPath);
  container_ = frontend_.containers.insert(std::move(record));
}

Answer<void> CreateContainerFlow::makeLayer() {
  auto image = ImageId::parse(container_->record.image_id(), "image_id");
  return frontend_.storaged.createLayer(id_, *image);
}

Answer<void> CreateContainerFlow::launch() {
  auto launched = frontend_.launcher.createContainer([this](auto to) { describe(to, id_, pod_->id, plan_); });
  return reworded(kj::mv(launched),
                  [](Refusal refusal) { return inCriTerms(std::move(refusal), Asked::container); });
}

Answer<ContainerId> CreateContainerFlow::commit() {
  if (!podIsReady()) return refused<ContainerId>(stoppedMeanwhile());
  KJ_ON_SCOPE_FAILURE(container_->record.set_state(record::Container::CREATING));  // to be undone
  container_->record.set_state(record::Container::CREATED);
  container_->record.set_created_at(nowNanoseconds());
  frontend_.containers.save(*container_);
  over_ = true;
  return Outcome<ContainerId>(id_);
}

// The caller hears of the refusal when nothing is left of the attempt.
Answer<ContainerId> CreateContainerFlow::undo(Refusal refusal) {
  over_ = true;
  auto undone = container_ ? undoContainer(frontend_, id_) : kj::Promise<void>(kj::READY_NOW);
  return undone.then([refusal = std::move(refusal)]() mutable {
    return Outcome<ContainerId>(tl::unexpected<Refusal>(std::move(refusal)));
  });
}

kj::Promise<void> undoContainer(Frontend& frontend, const ContainerId& id) {
  return frontend.background.add("undo container", id.text(),
                                 [&frontend, id]() { return eraseContainer(frontend, id); });
}

}  // namespace bulkhead::cri
