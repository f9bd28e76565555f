// ImagedClient: the registry daemon, as cri sees it.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/image-ref.h"
#include "daemons/cri-frontend/peers/calling.h"
#include "ipc/packed-signature.h"
#include "ipc/rpc.h"
#include "ipc/schema/image.capnp.h"

namespace bulkhead::cri {

// CRI's AuthConfig. Never logged.
struct Credentials {
  std::string username;
  std::string password;
  std::string auth;
  std::string serverAddress;
  std::string identityToken;
  std::string registryToken;
};

// An image's documents as bytes that nobody has checked yet.
struct Documents {
  std::string index;
  std::string manifest;
  std::string config;
  std::vector<ipc::PackedSignature> signatures;
};

// Which signatures an image should bring along.
struct SignatureKinds {
  bool simple = false;
  bool sigstore = false;
};

// An image found in a registry, and under which name.
struct Resolved {
  ImageReference reference;
  Documents documents;
};

class ImagedClient {
 public:
  ImagedClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket);

  // For the platform we run on. `asked` is what the user wrote: a short name may mean several.
  Answer<Resolved> resolve(const std::string& asked, const Credentials& credentials,
                           const std::string& podNamespace, SignatureKinds signatures);
  // Streams the blob into `sink`, which is closed when the answer is there.
  Answer<void> fetch(const ImageReference& reference, const Credentials& credentials,
                     const std::string& podNamespace, const Digest& digest, uint64_t size, Fd sink);
  // The full names that `asked` may mean, at least one. Asks no registry.
  Answer<std::vector<std::string>> names(const std::string& asked);

 private:
  kj::Timer& timer_;
  ipc::RpcPeer peer_;
};

}  // namespace bulkhead::cri
