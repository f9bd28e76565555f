#include "daemons/cri-frontend/flows/create-container-flow.h"

#include <sys/utsname.h>

#include "daemons/cri-frontend/clock.h"
#include "daemons/cri-frontend/flows/remove-container-flow.h"
#include "daemons/cri-frontend/translate/fields.h"
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

// The kubelet knows a volume that cannot be mounted by this word at the front (kubernetes, cri-api
// pkg/errors: ErrImageVolumeMountFailed).
Refusal volumeFailed(Refusal refusal) {
  return {refusal.code, "", "ImageVolumeMountFailed: " + describe(refusal)};
}

// The kubelet asks for what it pulled, by id, and says beside it what the pod calls that.
const std::string& nameAsked(const ::runtime::v1::ImageSpec& image) {
  return image.user_specified_image().empty() ? image.image() : image.user_specified_image();
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
  auto known = andThen(kj::mv(planned), [&self]() { return self.findUser(); });
  auto found = andThen(kj::mv(known), [&self]() { return self.findVolumes(); });
  auto intended = andThen(kj::mv(found), [&self]() { return self.recordIntent(); });
  auto layered = andThen(kj::mv(intended), [&self]() { return self.makeLayer(); });
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
  auto translated =
      translateContainer(config_, pod_->record.config(), *hostname, image, frontend_.settings.imageVolumes);
  if (!translated) return refused<void>(translated.error());
  plan_ = std::move(*translated);
  auto user = planUser(config_.linux().security_context(), image.user);
  if (!user) return refused<void>(user.error());
  user_ = std::move(*user);
  image_ = image.id;
  return good();
}

Answer<void> CreateContainerFlow::findUser() {
  auto take = [this](ImageUser&& found) {
    plan_.user = combine(user_, found);
    return good();
  };
  if (auto known = knownUser(user_)) return take(std::move(*known));
  auto found = frontend_.storaged.lookupUser(*image_, user_.asked, user_.memberships);
  return reworded(andThen(kj::mv(found), take), [this](Refusal refusal) {
    if (refusal.field == "user") refusal.field = user_.field;
    return refusal;
  });
}

Answer<void> CreateContainerFlow::findVolumes() {
  std::vector<Answer<void>> found;
  for (size_t i = 0; i < plan_.mounts.size(); ++i) {
    if (plan_.mounts[i].origin == MountPlan::Origin::image) found.push_back(findVolume(plan_.mounts[i], i));
  }
  return all(std::move(found));
}

Answer<void> CreateContainerFlow::findVolume(MountPlan& mount, size_t index) {
  auto asked = frontend_.storaged.imageStatus(mount.imageName);
  return andThen(kj::mv(asked), [&mount, index](std::optional<StoredImage>&& image) -> Answer<void> {
    std::string field = indexed("config.mounts", static_cast<int>(index)) + ".image.image";
    if (!image)
      return refused<void>(volumeFailed({Code::notFound, field, "no such image here: pull it first"}));
    mount.image = image->id;
    return good();
  });
}

Answer<void> CreateContainerFlow::recordIntent() {
  // A stop waits for creations that it finds in the table; one that is not there yet must not get there.
  if (!podIsReady()) return refused<void>(stoppedMeanwhile());
  record::Container record;
  record.set_id(id_.text());
  record.set_pod_id(pod_->id.text());
  *record.mutable_config() = config_;
  record.set_image_id(image_->text());
  record.set_state(record::Container::CREATING);
  record.set_uid(plan_.user.uid);
  record.set_gid(plan_.user.gid);
  for (uint32_t group : plan_.user.groups) record.add_groups(group);
  record.set_stop_signal(plan_.stopSignal);
  for (int i = 0; i < config_.mounts_size(); ++i) {
    const auto& image = plan_.mounts[static_cast<size_t>(i)].image;
    record.add_mount_images(image ? image->text() : "");
  }
  if (!plan_.logPath.empty())
    record.set_log_path(pod_->record.config().log_directory() + "/" + plan_.logPath);
  container_ = frontend_.containers.insert(std::move(record));
  return good();
}

Answer<void> CreateContainerFlow::makeLayer() {
  std::vector<VolumeImage> volumes;
  for (int i = 0; i < config_.mounts_size(); ++i) {
    const MountPlan& mount = plan_.mounts[static_cast<size_t>(i)];
    if (mount.image) volumes.push_back({*mount.image, nameAsked(config_.mounts(i).image())});
  }
  return frontend_.storaged.createLayer(id_, *image_, nameAsked(config_.image()),
                                        pod_->record.config().metadata().namespace_(), volumes);
}

Answer<void> CreateContainerFlow::launch() {
  auto launched = frontend_.launcher.createContainer([this](auto to) { describe(to, id_, pod_->id, plan_); });
  auto recorded = andThen(kj::mv(launched), [this](ContainerFacts&& facts) {
    container_->record.set_cgroup(std::move(facts.cgroup));
    return good();
  });
  return reworded(kj::mv(recorded), [this](Refusal refusal) {
    bool ofImage = isImageVolume(refusal.field);
    refusal = inCriTerms(std::move(refusal), Asked::container);
    return ofImage ? volumeFailed(std::move(refusal)) : refusal;
  });
}

bool CreateContainerFlow::isImageVolume(const std::string& field) const {
  for (size_t i = 0; i < plan_.mounts.size(); ++i) {
    bool named = field.starts_with(indexed("mounts", static_cast<int>(i)));
    if (named) return plan_.mounts[i].origin == MountPlan::Origin::image;
  }
  return false;
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
