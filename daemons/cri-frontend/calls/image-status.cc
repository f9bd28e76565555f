#include <nlohmann/json.hpp>

#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/translate/image-name.h"

namespace bulkhead::cri {
namespace {

std::string info(const StoredImage& image) {
  nlohmann::json config{{"User", image.user},
                        {"Env", image.env},
                        {"Entrypoint", image.entrypoint},
                        {"Cmd", image.command},
                        {"WorkingDir", image.workingDirectory},
                        {"StopSignal", image.stopSignal}};
  nlohmann::json info{{"imageSpec", {{"config", config}}}};
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

// An image that is not here is an answer without an image, not an error.
Answer<v1::ImageStatusResponse> imageStatus(Frontend& frontend, const v1::ImageStatusRequest& request) {
  auto name = parseImageName(request.image().image(), "image.image");
  if (!name) return refused<v1::ImageStatusResponse>(name.error());
  bool verbose = request.verbose();
  auto asked = frontend.storaged.imageStatus(*name);
  return andThen(kj::mv(asked),
                 [verbose](std::optional<StoredImage>&& image) -> Answer<v1::ImageStatusResponse> {
                   v1::ImageStatusResponse response;
                   if (image) *response.mutable_image() = imageItem(*image);
                   if (image && verbose) (*response.mutable_info())["info"] = info(*image);
                   return Outcome<v1::ImageStatusResponse>(std::move(response));
                 });
}

}  // namespace bulkhead::cri
