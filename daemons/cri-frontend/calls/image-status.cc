#include "daemons/common/base/utf8.h"
#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/image-here.h"

namespace bulkhead::cri {
namespace {

// As the peers show it: {"imageSpec": the image's config}. A stranger's JSON, which a parse worker took for
// an object: passed on, not read. gRPC's texts must be UTF-8.
void addInfo(v1::ImageStatusResponse& response, const StoredImage& image) {
  if (image.document.empty() || !isUtf8(image.document)) return;
  (*response.mutable_info())["info"] = "{\"imageSpec\":" + image.document + "}";
}

}  // namespace

// An image that is not here is an answer without an image, not an error.
Answer<v1::ImageStatusResponse> imageStatus(Frontend& frontend, const v1::ImageStatusRequest& request) {
  using Detail = StoragedClient::Detail;
  using Response = v1::ImageStatusResponse;
  Detail detail = request.verbose() ? Detail::verbose : Detail::usual;
  auto name = nameHere(frontend, request.image().image(), "image.image");
  auto asked = andThen(kj::mv(name), [&frontend, detail](std::string&& known) {
    return frontend.storaged.imageStatus(known, detail);
  });
  return andThen(kj::mv(asked), [&frontend](std::optional<StoredImage>&& image) -> Answer<Response> {
    Response response;
    if (image) *response.mutable_image() = imageItem(*image, frontend.settings.pinnedImages);
    if (image) addInfo(response, *image);
    return Outcome<Response>(std::move(response));
  });
}

}  // namespace bulkhead::cri
