#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/image-here.h"

namespace bulkhead::cri {
namespace {

Answer<v1::ListImagesResponse> listOne(Frontend& frontend, const std::string& name) {
  return andThen(frontend.storaged.imageStatus(name), [&frontend](std::optional<StoredImage>&& image) {
    v1::ListImagesResponse response;
    if (image) *response.add_images() = imageItem(*image, frontend.settings.pinnedImages);
    return Answer<v1::ListImagesResponse>(Outcome<v1::ListImagesResponse>(std::move(response)));
  });
}

}  // namespace

Answer<v1::ListImagesResponse> listImages(Frontend& frontend, const v1::ListImagesRequest& request) {
  const std::string& filter = request.filter().image().image();
  if (!filter.empty()) {
    auto name = nameHere(frontend, filter, "filter.image.image");
    return andThen(kj::mv(name), [&frontend](std::string&& known) { return listOne(frontend, known); });
  }
  return andThen(frontend.storaged.listImages(), [&frontend](std::vector<StoredImage>&& images) {
    v1::ListImagesResponse response;
    for (const auto& image : images)
      *response.add_images() = imageItem(image, frontend.settings.pinnedImages);
    return Answer<v1::ListImagesResponse>(Outcome<v1::ListImagesResponse>(std::move(response)));
  });
}

}  // namespace bulkhead::cri
