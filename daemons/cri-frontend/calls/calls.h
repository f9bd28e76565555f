// Every call of the CRI subset and of Admin, one function each, in the file that its name says. A call runs
// on the event loop; `request` lives until the answer is there.
#pragma once

#include "bulkhead/admin/v1/admin.pb.h"
#include "daemons/cri-frontend/frontend.h"
#include "runtime/v1/api.pb.h"

namespace bulkhead::cri {

namespace v1 = ::runtime::v1;

Answer<v1::VersionResponse> version(Frontend& frontend, const v1::VersionRequest& request);
Answer<v1::StatusResponse> status(Frontend& frontend, const v1::StatusRequest& request);
Answer<v1::RuntimeConfigResponse> runtimeConfig(Frontend& frontend, const v1::RuntimeConfigRequest& request);

Answer<v1::RunPodSandboxResponse> runPodSandbox(Frontend& frontend, const v1::RunPodSandboxRequest& request);
Answer<v1::StopPodSandboxResponse> stopPodSandbox(Frontend& frontend,
                                                  const v1::StopPodSandboxRequest& request);
Answer<v1::RemovePodSandboxResponse> removePodSandbox(Frontend& frontend,
                                                      const v1::RemovePodSandboxRequest& request);
Answer<v1::PodSandboxStatusResponse> podSandboxStatus(Frontend& frontend,
                                                      const v1::PodSandboxStatusRequest& request);
Answer<v1::ListPodSandboxResponse> listPodSandbox(Frontend& frontend,
                                                  const v1::ListPodSandboxRequest& request);

Answer<v1::CreateContainerResponse> createContainer(Frontend& frontend,
                                                    const v1::CreateContainerRequest& request);
Answer<v1::StartContainerResponse> startContainer(Frontend& frontend,
                                                  const v1::StartContainerRequest& request);
Answer<v1::StopContainerResponse> stopContainer(Frontend& frontend, const v1::StopContainerRequest& request);
Answer<v1::RemoveContainerResponse> removeContainer(Frontend& frontend,
                                                    const v1::RemoveContainerRequest& request);
Answer<v1::ContainerStatusResponse> containerStatus(Frontend& frontend,
                                                    const v1::ContainerStatusRequest& request);
Answer<v1::ListContainersResponse> listContainers(Frontend& frontend,
                                                  const v1::ListContainersRequest& request);
Answer<v1::ExecSyncResponse> execSync(Frontend& frontend, const v1::ExecSyncRequest& request);

Answer<v1::PullImageResponse> pullImage(Frontend& frontend, const v1::PullImageRequest& request);
Answer<v1::ImageStatusResponse> imageStatus(Frontend& frontend, const v1::ImageStatusRequest& request);
Answer<v1::ListImagesResponse> listImages(Frontend& frontend, const v1::ListImagesRequest& request);
Answer<v1::RemoveImageResponse> removeImage(Frontend& frontend, const v1::RemoveImageRequest& request);
Answer<v1::ImageFsInfoResponse> imageFsInfo(Frontend& frontend, const v1::ImageFsInfoRequest& request);

Answer<::bulkhead::admin::v1::ListPullsResponse> listPulls(
    Frontend& frontend, const ::bulkhead::admin::v1::ListPullsRequest& request);

// The pod or container of an id, or of a beginning that only its id has, as crictl and people use; refuses
// what is neither, and with notFound what is unknown or still being made.
Outcome<PodRef> findPod(const Frontend& frontend, const std::string& id);
Outcome<ContainerRef> findContainer(const Frontend& frontend, const std::string& id);

}  // namespace bulkhead::cri
