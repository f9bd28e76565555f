#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/calls/image-here.h"

namespace bulkhead::cri {

Answer<v1::RemoveImageResponse> removeImage(Frontend& frontend, const v1::RemoveImageRequest& request) {
  auto name = nameHere(frontend, request.image().image(), "image.image");
  auto removed = andThen(kj::mv(name),
                         [&frontend](std::string&& known) { return frontend.storaged.removeImage(known); });
  return andThen(kj::mv(removed),
                 []() -> Answer<v1::RemoveImageResponse> { return Outcome<v1::RemoveImageResponse>({}); });
}

}  // namespace bulkhead::cri
