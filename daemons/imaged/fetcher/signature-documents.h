// What a fetcher reads out of the JSON that signatures are kept in: pure functions of bytes.
#pragma once

#include <string>
#include <vector>

#include "daemons/imaged/fetcher/documents.h"
#include "daemons/imaged/fetcher/found-signature.h"

namespace bulkhead::fetcher {

struct AttachedLayer {
  Descriptor payload;
  Attachment attachment;  // without its payload
};

// The signatures in the manifest of a "sha256-HEX.sig" image: its layers of cosign's simple signing type,
// others are something else. Refuses failedPrecondition what is no such manifest, resourceExhausted more
// signatures than limits::signatures.
Outcome<std::vector<AttachedLayer>> attachedLayers(const std::string& manifest);

// The messages in an answer of the registry extension (OpenShift, "X-Registry-Supports-Signatures"): those of
// schema 2 and type "atomic". The same refusals.
Outcome<std::vector<SimpleMessage>> messagesOf(const std::string& answer);

}  // namespace bulkhead::fetcher
