#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/translate/image-name.h"

namespace bulkhead::cri {

Answer<v1::RemoveImageResponse> removeImage(Frontend& frontend, const v1::RemoveImageRequest& request) {
  auto name = parseImageName(request.image().image(), "image.image");
  if (!name) return refused<v1::RemoveImageResponse>(name.error());
  return andThen(frontend.storaged.removeImage(*name),
                 []() -> Answer<v1::RemoveImageResponse> { return Outcome<v1::RemoveImageResponse>({}); });
}

}  // namespace bulkhead::cri
