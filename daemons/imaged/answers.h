// What main makes of a fetcher's reply, and of its death.
#pragma once

#include <capnp/capability.h>

#include "daemons/common/base/error.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::imaged {

template <typename Context>
void refuseCall(Context context, const Refusal& refusal) {
  ipc::writeRefusal(context.getResults().initResult().initRefused(), refusal);
}

// A fetcher that died instead of answering is our trouble, not the caller's exception.
template <typename Context>
kj::Promise<void> afterDeath(Context context, kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
  refuseCall(context, {Code::internal, "", "the fetcher ended without an answer"});
  return kj::READY_NOW;
}

// In a fetcher's words, which a stranger may have put into its mouth.
Refusal claimed(schema::Refusal::Reader from);

}  // namespace bulkhead::imaged
