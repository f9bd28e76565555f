// PullImage: documents from imaged to storaged, then every missing layer from imaged into storaged's pipes,
// side by side. cri sees the bytes of documents, never those of layers, and believes neither.
#pragma once

#include <optional>

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class PullFlow {
 public:
  // `asked` is what the user wrote; `podNamespace` is the pod's, empty where nobody said.
  static Answer<ImageId> run(Frontend& frontend, const std::string& asked, Credentials credentials,
                             std::string podNamespace);

  PullFlow(Frontend& frontend, const std::string& asked, Credentials credentials, std::string podNamespace);

 private:
  Answer<SignatureKinds> askPolicy();
  Answer<Begun> begin(SignatureKinds signatures);
  Answer<ImageId> transfer(Begun begun);
  // Resolves when the layer's pipe is closed; refusals are kept for explain().
  kj::Promise<void> fetchLayer(const Begun::Layer& layer, schema::Intake::Client intake);
  Answer<ImageId> commit(schema::Intake::Client intake);
  // Which refusal says more: storaged's, or, if all it saw was a pipe that ended early, imaged's reason for
  // that.
  Refusal explain(Refusal fromStorage) const;

  Frontend& frontend_;
  std::string asked_;
  std::optional<ImageReference> reference_;  // as it was found
  Credentials credentials_;
  std::string podNamespace_;
  PullBoard::Line line_;
  std::optional<Refusal> pipeRefusal_;
  std::optional<Refusal> fetchRefusal_;
};

}  // namespace bulkhead::cri
