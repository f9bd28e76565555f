// The Imaged interface (ipc/schema/image.capnp): unpacks and checks what cri sent, has planners and fetchers
// do it. Never parses a document.
#pragma once

#include "daemons/imaged/fetcher-call.h"

namespace bulkhead::imaged {

class ImagedServer final : public schema::Imaged::Server {
 public:
  // The desk outlives the server. One server is for all connections.
  explicit ImagedServer(Desk& desk) : desk_(desk) {}

  kj::Promise<void> resolve(ResolveContext context) override;
  kj::Promise<void> fetch(FetchContext context) override;
  kj::Promise<void> names(NamesContext context) override;

 private:
  // Who asks for what; it counts from now until it is dropped. The credential of the call is wiped.
  Outcome<kj::Own<Order>> admit(capnp::Text::Reader reference, schema::Auth::Reader auth,
                                capnp::Text::Reader podNamespace);
  kj::Promise<void> resolveInto(ResolveContext context);
  kj::Promise<void> fetchInto(FetchContext context);
  kj::Promise<void> namesInto(NamesContext context);

  Desk& desk_;
  size_t admitted_ = 0;  // operations, each with at most one process at a time
};

}  // namespace bulkhead::imaged
