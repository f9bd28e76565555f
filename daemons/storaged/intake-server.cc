#include "daemons/storaged/intake-server.h"

#include "daemons/storaged/method.h"
#include "daemons/storaged/write-image.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::storaged {

kj::Promise<void> IntakeServer::layerPipe(LayerPipeContext context) {
  context.allowCancellation();
  return answerLater("layerPipe", [&]() {
    auto given = intake_->layerPipe(context.getParams().getIndex());
    return given.then([context](Outcome<Intake::Sink>&& sink) mutable {
      auto result = context.getResults().initResult();
      if (!sink) {
        ipc::writeRefusal(result.initRefused(), sink.error());
      } else if (*sink) {
        result.initOk().setSink(ipc::makeFile(std::move(**sink)));
      } else {
        result.initOk().setArrived();
      }
    });
  });
}

kj::Promise<void> IntakeServer::commit(CommitContext context) {
  context.allowCancellation();
  return answerLater("commit", [&]() {
    return intake_->commit().then([context](Outcome<ImageView>&& image) mutable {
      auto result = context.getResults().initResult();
      if (image) {
        writeImage(result.initOk(), *image, Detail::whole);
      } else {
        ipc::writeRefusal(result.initRefused(), image.error());
      }
    });
  });
}

}  // namespace bulkhead::storaged
