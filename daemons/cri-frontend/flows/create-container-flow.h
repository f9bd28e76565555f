// CreateContainer: image, intent, writable layer, the launcher's container, then CREATED; undone as a whole
// if any of it is refused.
#pragma once

#include "daemons/cri-frontend/frontend.h"
#include "daemons/cri-frontend/translate/container.h"

namespace bulkhead::cri {

class CreateContainerFlow {
 public:
  // `image` as checkContainer() answers it. `config` is kept unaltered in the record.
  static Answer<ContainerId> run(Frontend& frontend, PodRef pod, const ::runtime::v1::ContainerConfig& config,
                                 const std::string& image);

  CreateContainerFlow(Frontend& frontend, PodRef pod, const ::runtime::v1::ContainerConfig& config);
  // Queues the undo, if it was neither committed nor undone: something broke.
  ~CreateContainerFlow();
  CreateContainerFlow(const CreateContainerFlow&) = delete;
  CreateContainerFlow& operator=(const CreateContainerFlow&) = delete;

 private:
  Answer<void> findImage(const std::string& image);
  Answer<void> plan(const StoredImage& image);
  Answer<void> findUser();
  Answer<void> findVolumes();
  Answer<void> findVolume(MountPlan& mount, size_t index);
  Answer<void> recordIntent();
  Answer<void> makeLayer();
  Answer<void> launch();
  Answer<ContainerId> commit();
  Answer<ContainerId> undo(Refusal refusal);
  // Whether the launcher's `field` is one of the plan's image volumes.
  [[nodiscard]] bool isImageVolume(const std::string& field) const;

  [[nodiscard]] bool podIsReady() const { return pod_->record.state() == record::Pod::READY; }

  Frontend& frontend_;
  PodRef pod_;
  ::runtime::v1::ContainerConfig config_;
  ContainerId id_;
  std::optional<ImageId> image_;
  UserPlan user_;
  ContainerPlan plan_;
  ContainerRef container_;
  bool over_ = false;  // committed or undone
};

// Removes all that a container may have, its record last: now, and if that is refused, again in the
// background.
kj::Promise<void> undoContainer(Frontend& frontend, const ContainerId& id);

}  // namespace bulkhead::cri
