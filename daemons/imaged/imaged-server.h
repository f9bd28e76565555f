// The Imaged interface (ipc/schema/image.capnp): unpacks and checks what cri sent, has a fetcher do it,
// checks the size of what came back. Never parses a document.
#pragma once

#include <kj/async-unix.h>

#include "daemons/imaged/fetch-operation.h"
#include "daemons/imaged/registries.h"
#include "ipc/schema/image.capnp.h"

namespace bulkhead::imaged {

class ImagedServer final : public schema::Imaged::Server {
 public:
  // All outlive the server. One server is for all connections.
  ImagedServer(kj::UnixEventPort& port, FetchZygote& zygote, const Registries& registries);

  kj::Promise<void> resolve(ResolveContext context) override;
  kj::Promise<void> fetch(FetchContext context) override;

 private:
  // An operation with reference, registry and credential filled in. It counts from now until it is dropped.
  Outcome<kj::Own<FetchOperation>> begin(capnp::Text::Reader reference, schema::Auth::Reader auth);
  static kj::Promise<ipc::Packet> run(kj::Own<FetchOperation> operation);
  kj::Promise<void> resolveInto(ResolveContext context);
  kj::Promise<void> fetchInto(FetchContext context);

  kj::UnixEventPort& port_;
  FetchZygote& zygote_;
  const Registries& registries_;
  size_t admitted_ = 0;  // operations, each a fetcher
};

}  // namespace bulkhead::imaged
