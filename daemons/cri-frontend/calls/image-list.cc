#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/calls/image-here.h"
#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {
namespace {

using Images = std::vector<StoredImage>;

Answer<Images> findOne(Frontend& frontend, const std::string& name) {
  return andThen(frontend.storaged.imageStatus(name),
                 [](std::optional<StoredImage>&& image) -> Answer<Images> {
                   Images found;
                   if (image) found.push_back(std::move(*image));
                   return Outcome<Images>(std::move(found));
                 });
}

Answer<Images> chosen(Frontend& frontend, const v1::ImageFilter& asked) {
  const std::string& filter = asked.image().image();
  if (filter.empty()) return frontend.storaged.listImages();
  auto name = nameHere(frontend, filter, "filter.image.image");
  return andThen(kj::mv(name), [&frontend](std::string&& known) { return findOne(frontend, known); });
}

template <typename Response>
Answer<Response> itemsOf(const Frontend& frontend, const Images& images) {
  Response response;
  for (const auto& image : images) *response.add_images() = imageItem(image, frontend.settings.pinnedImages);
  return Outcome<Response>(std::move(response));
}

}  // namespace

Answer<v1::ListImagesResponse> listImages(Frontend& frontend, const v1::ListImagesRequest& request) {
  return andThen(chosen(frontend, request.filter()),
                 [&frontend](Images&& images) { return itemsOf<v1::ListImagesResponse>(frontend, images); });
}

Stream<v1::StreamImagesResponse> streamImages(Frontend& frontend, const v1::StreamImagesRequest& request) {
  return andThen(chosen(frontend, request.filter()), [&frontend](Images&& images) {
    auto make = [&frontend](const Images& few) { return itemsOf<v1::StreamImagesResponse>(frontend, few); };
    return inPieces<v1::StreamImagesResponse>(std::move(images), make);
  });
}

}  // namespace bulkhead::cri
