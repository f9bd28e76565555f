#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {
namespace {

void write(v1::FilesystemUsage& to, const StorageUsage& usage, uint64_t bytes, uint64_t inodes) {
  to.set_timestamp(usage.timestamp);
  to.mutable_fs_id()->set_mountpoint(usage.mountpoint);
  to.mutable_used_bytes()->set_value(bytes);
  to.mutable_inodes_used()->set_value(inodes);
}

}  // namespace

Answer<v1::ImageFsInfoResponse> imageFsInfo(Frontend& frontend, const v1::ImageFsInfoRequest&) {
  return andThen(frontend.storaged.usage(), [](StorageUsage&& usage) -> Answer<v1::ImageFsInfoResponse> {
    v1::ImageFsInfoResponse response;
    write(*response.add_image_filesystems(), usage, usage.imageBytes, usage.imageInodes);
    write(*response.add_container_filesystems(), usage, usage.containerBytes, usage.containerInodes);
    return Outcome<v1::ImageFsInfoResponse>(std::move(response));
  });
}

}  // namespace bulkhead::cri
