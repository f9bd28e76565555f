#include "daemons/cri-frontend/calls/answers.h"

#include "daemons/common/base/user-spec.h"
#include "daemons/cri-frontend/translate/signals.h"

namespace bulkhead::cri {
namespace {

v1::PodSandboxState stateOf(const Pod& pod) {
  return pod.record.state() == record::Pod::READY ? v1::SANDBOX_READY : v1::SANDBOX_NOTREADY;
}

v1::ContainerState stateOf(const Container& container) {
  switch (container.record.state()) {
    case record::Container::CREATED:
      return v1::CONTAINER_CREATED;
    case record::Container::RUNNING:
      return v1::CONTAINER_RUNNING;
    case record::Container::EXITED:
      return v1::CONTAINER_EXITED;
    default:
      return v1::CONTAINER_UNKNOWN;
  }
}

void writeUser(v1::ContainerStatus& status, const record::Container& record) {
  auto& user = *status.mutable_user()->mutable_linux();
  user.set_uid(record.uid());
  user.set_gid(record.gid());
  for (uint32_t group : record.groups()) user.add_supplemental_groups(group);
}

// As the pod names it: the kubelet puts the id into `image`, and the pod's own words beside it.
v1::ImageSpec imageOf(const v1::ContainerConfig& config) {
  v1::ImageSpec image = config.image();
  if (!image.user_specified_image().empty()) image.set_image(image.user_specified_image());
  return image;
}

}  // namespace

std::string imageRef(const std::string& imageId) {
  return "sha256:" + imageId;
}

bool matches(const google::protobuf::Map<std::string, std::string>& selector,
             const google::protobuf::Map<std::string, std::string>& labels) {
  for (const auto& [key, value] : selector) {
    auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

v1::PodSandbox podItem(const Pod& pod) {
  const auto& config = pod.record.config();
  v1::PodSandbox item;
  item.set_id(pod.id.text());
  *item.mutable_metadata() = config.metadata();
  item.set_state(stateOf(pod));
  item.set_created_at(pod.record.created_at());
  *item.mutable_labels() = config.labels();
  *item.mutable_annotations() = config.annotations();
  item.set_runtime_handler(pod.record.asked_handler());
  return item;
}

v1::PodSandboxStatus podStatusOf(const Pod& pod) {
  const auto& config = pod.record.config();
  v1::PodSandboxStatus status;
  status.set_id(pod.id.text());
  *status.mutable_metadata() = config.metadata();
  status.set_state(stateOf(pod));
  status.set_created_at(pod.record.created_at());
  auto& network = *status.mutable_network();
  for (int i = 0; i < pod.record.addresses_size(); ++i) {
    if (i == 0) network.set_ip(pod.record.addresses(0));
    if (i > 0) network.add_additional_ips()->set_ip(pod.record.addresses(i));
  }
  auto& options = *status.mutable_linux()->mutable_namespaces()->mutable_options();
  options = config.linux().security_context().namespace_options();
  if (!config.linux().security_context().has_namespace_options()) options.set_pid(v1::CONTAINER);
  *status.mutable_labels() = config.labels();
  *status.mutable_annotations() = config.annotations();
  status.set_runtime_handler(pod.record.asked_handler());
  return status;
}

v1::Container containerItem(const Container& container) {
  const auto& config = container.record.config();
  v1::Container item;
  item.set_id(container.id.text());
  item.set_pod_sandbox_id(container.podId.text());
  *item.mutable_metadata() = config.metadata();
  *item.mutable_image() = imageOf(config);
  item.set_image_ref(imageRef(container.record.image_id()));
  item.set_image_id(imageRef(container.record.image_id()));
  item.set_state(stateOf(container));
  item.set_created_at(container.record.created_at());
  *item.mutable_labels() = config.labels();
  *item.mutable_annotations() = config.annotations();
  return item;
}

v1::ContainerStatus containerStatusOf(const Container& container) {
  const auto& record = container.record;
  const auto& config = record.config();
  v1::ContainerStatus status;
  status.set_id(container.id.text());
  *status.mutable_metadata() = config.metadata();
  status.set_state(stateOf(container));
  status.set_created_at(record.created_at());
  status.set_started_at(record.started_at());
  status.set_finished_at(record.finished_at());
  status.set_exit_code(record.exit_code());
  *status.mutable_image() = imageOf(config);
  status.set_image_ref(imageRef(record.image_id()));
  status.set_image_id(imageRef(record.image_id()));
  status.set_reason(record.reason());
  status.set_message(record.message());
  *status.mutable_labels() = config.labels();
  *status.mutable_annotations() = config.annotations();
  *status.mutable_mounts() = config.mounts();
  for (int i = 0; i < record.mount_images_size(); ++i) {
    if (record.mount_images(i).empty()) continue;
    status.mutable_mounts(i)->set_readonly(true);
    status.mutable_mounts(i)->mutable_image()->set_image_ref(imageRef(record.mount_images(i)));
  }
  status.set_log_path(record.log_path());
  if (config.linux().has_resources())
    *status.mutable_resources()->mutable_linux() = config.linux().resources();
  writeUser(status, record);
  status.set_stop_signal(toCriSignal(record.stop_signal()));
  return status;
}

v1::Image imageItem(const StoredImage& image, const PinnedImages& pinned) {
  v1::Image item;
  item.set_id(imageRef(image.id.text()));
  for (const auto& tag : image.repoTags) item.add_repo_tags(tag);
  for (const auto& digest : image.repoDigests) item.add_repo_digests(digest);
  item.set_size(image.size);
  item.set_pinned(pinned.matchAny(image.repoTags) || pinned.matchAny(image.repoDigests));
  item.mutable_spec()->set_image(imageRef(image.id.text()));
  for (const auto& [key, value] : image.annotations)
    (*item.mutable_spec()->mutable_annotations())[key] = value;
  // A number is a uid; anything else, also a number that cannot be one, is a name that the kubelet cannot
  // call non-root.
  auto user = UserSpec::parse(image.user, "user");
  const auto* uid = user ? std::get_if<uint32_t>(&user->user) : nullptr;
  if (uid != nullptr) {
    item.mutable_uid()->set_value(*uid);
  } else {
    item.set_username(image.user.substr(0, image.user.find(':')));
  }
  return item;
}

}  // namespace bulkhead::cri
