// The capability of one image on its way in (storage.capnp, Intake). Dropped by cri: the intake goes.
#pragma once

#include "daemons/storaged/intake.h"
#include "ipc/schema/storage.capnp.h"

namespace bulkhead::storaged {

class IntakeServer final : public schema::Intake::Server {
 public:
  explicit IntakeServer(kj::Own<Intake> intake) : intake_(kj::mv(intake)) {}

  kj::Promise<void> layerPipe(LayerPipeContext context) override;
  kj::Promise<void> commit(CommitContext context) override;

 private:
  kj::Own<Intake> intake_;
};

}  // namespace bulkhead::storaged
