// PullImage: documents from imaged to storaged, then every missing layer from imaged into storaged's pipes,
// side by side. cri sees the bytes of documents, never those of layers, and believes neither.
#pragma once

#include <optional>

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

class PullFlow {
 public:
  static Answer<ImageId> run(Frontend& frontend, const ImageReference& reference, Credentials credentials,
                             const std::string& asked);

  PullFlow(Frontend& frontend, const ImageReference& reference, Credentials credentials,
           const std::string& asked);

 private:
  Answer<Begun> begin();
  Answer<ImageId> transfer(Begun begun);
  // Resolves when the layer's pipe is closed; refusals are kept for explain().
  kj::Promise<void> fetchLayer(const Begun::Layer& layer, schema::Intake::Client intake);
  Answer<ImageId> commit(schema::Intake::Client intake);
  // Which refusal says more: storaged's, or, if all it saw was a pipe that ended early, imaged's reason for
  // that.
  Refusal explain(Refusal fromStorage) const;

  Frontend& frontend_;
  ImageReference reference_;
  Credentials credentials_;
  PullBoard::Line line_;
  std::optional<Refusal> pipeRefusal_;
  std::optional<Refusal> fetchRefusal_;
};

}  // namespace bulkhead::cri
