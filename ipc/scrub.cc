#include "ipc/scrub.h"

#include "daemons/common/base/log.h"

namespace bulkhead::ipc {

std::string fullText(const kj::Exception& exception) {
  auto text = exception.getDescription();
  return std::string(text.cStr(), text.size()) + " (" + exception.getFile() + ":" +
         std::to_string(exception.getLine()) + ")";
}

kj::Promise<void> scrubbed(const char* call, kj::Promise<void> promise) {
  return promise.catch_([call](kj::Exception&& exception) {
    log::error("call failed", {{"call", call}, {"error", fullText(exception)}});
    kj::throwFatalException(
        kj::Exception(exception.getType(), "scrubbed", 0, kj::str("internal error in ", call)));
  });
}

Refusal refusalFrom(const char* peer, const kj::Exception& exception) {
  log::warning("peer failed", {{"peer", peer}, {"error", fullText(exception)}});
  std::string who(peer);
  if (exception.getType() == kj::Exception::Type::DISCONNECTED) {
    return {Code::unavailable, "", who + " is not there; it restarts by itself, try again"};
  }
  return {Code::internal, "", "internal error in " + who};
}

}  // namespace bulkhead::ipc
