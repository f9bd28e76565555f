// Records as CRI's messages.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {

v1::PodSandbox podItem(const Pod& pod);
v1::PodSandboxStatus podStatusOf(const Pod& pod);
v1::Container containerItem(const Container& container);
v1::ContainerStatus containerStatusOf(const Container& container);
v1::Image imageItem(const StoredImage& image, const PinnedImages& pinned);

// "sha256:…": what every CRI message calls an image by, so that they can be compared.
std::string imageRef(const std::string& imageId);

// Whether `labels` has every pair of `selector`.
bool matches(const google::protobuf::Map<std::string, std::string>& selector,
             const google::protobuf::Map<std::string, std::string>& labels);

}  // namespace bulkhead::cri
