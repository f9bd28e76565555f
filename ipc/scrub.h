// Keeps the text of exceptions at home. KJ sends it verbatim to the peer: paths, errno, source lines.
#pragma once

#include <kj/async.h>
#include <kj/exception.h>

#include <string>

#include "daemons/common/base/error.h"

namespace bulkhead::ipc {

// What went wrong, in full, for our own log.
std::string fullText(const kj::Exception& exception);

// Runs a server method's promise: an exception is logged here in full under `call`, and the peer gets the
// same type with the text "internal error in CALL". Every RPC method's result passes through this.
kj::Promise<void> scrubbed(const char* call, kj::Promise<void> promise);

// An exception that came from a peer, as a refusal: disconnected becomes unavailable, the rest internal; the
// peer's text is logged, never passed on.
Refusal refusalFrom(const char* peer, const kj::Exception& exception);

}  // namespace bulkhead::ipc
