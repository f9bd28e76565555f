#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/flows/pull-flow.h"
#include "daemons/cri-frontend/translate/image-name.h"

namespace bulkhead::cri {
namespace {

Credentials credentialsOf(const v1::AuthConfig& auth) {
  return {auth.username(),       auth.password(),       auth.auth(),
          auth.server_address(), auth.identity_token(), auth.registry_token()};
}

const std::string& namespaceOf(const v1::PullImageRequest& request) {
  return request.sandbox_config().metadata().namespace_();
}

// Pulls with other credentials are other pulls: one must not profit from the rights of another. So are those
// for another namespace, which may have a policy and credentials of its own.
// A short name is a pull of its own: what it means is looked up on the way.
std::string keyOf(const ImageReference& reference, const v1::PullImageRequest& request) {
  const std::string& asked = request.image().image();
  return (isShortName(asked) ? asked : reference.text()) + '\0' + namespaceOf(request) + '\0' +
         request.auth().SerializeAsString();
}

Outcome<ImageReference> referenceOf(const v1::PullImageRequest& request) {
  const std::string& text = request.image().image();
  if (ImageId::parse(text, "") || text.starts_with("sha256:")) {
    return invalid("image.image",
                   "is an image id, and a registry knows images by name: a reference is expected");
  }
  return ImageReference::parse(text, "image.image");
}

Refusal forKubelet(Refusal refusal) {
  if (refusal.field.empty() || refusal.field == "image" || refusal.field == "reference")
    refusal.field = "image.image";
  return refusal;
}

}  // namespace

Answer<v1::PullImageResponse> pullImage(Frontend& frontend, const v1::PullImageRequest& request) {
  auto reference = referenceOf(request);
  if (!reference) return refused<v1::PullImageResponse>(reference.error());
  auto pulled = frontend.imagePulls.join(keyOf(*reference, request), [&]() {
    return PullFlow::run(frontend, request.image().image(), credentialsOf(request.auth()),
                         namespaceOf(request));
  });
  return pulled.then([](Outcome<ImageId>&& id) -> Outcome<v1::PullImageResponse> {
    if (!id) return tl::unexpected<Refusal>(forKubelet(id.error()));
    v1::PullImageResponse response;
    response.set_image_ref(imageRef(id->text()));
    return response;
  });
}

}  // namespace bulkhead::cri
