#include "ipc/packed-signature.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstring>

#include "ipc/limits.h"

namespace bulkhead::ipc {
namespace {

void copy(schema::Signature::Reader from, schema::Signature::Builder to) {
  if (from.isSimple()) {
    to.setSimple(from.getSimple());
    return;
  }
  auto attachment = from.getSigstore();
  auto copied = to.initSigstore();
  copied.setPayload(attachment.getPayload());
  copied.setSignature(attachment.getSignature());
  copied.setCertificate(attachment.getCertificate());
  copied.setChain(attachment.getChain());
  copied.setBundle(attachment.getBundle());
}

PackedSignature pack(schema::Signature::Reader from) {
  capnp::MallocMessageBuilder message;
  copy(from, message.initRoot<schema::Signature>());
  auto words = capnp::messageToFlatArray(message);
  return {reinterpret_cast<const char*>(words.begin()), words.size() * sizeof(capnp::word)};
}

}  // namespace

Outcome<std::vector<PackedSignature>> packSignatures(capnp::List<schema::Signature>::Reader from) {
  if (from.size() > limits::signatures)
    return refuse(Code::resourceExhausted, "signatures", "are more than 128");
  std::vector<PackedSignature> packed;
  size_t total = 0;
  for (auto signature : from) {
    if (!signature.isSimple() && !signature.isSigstore()) return invalid("signatures", "has one of no kind");
    packed.push_back(pack(signature));
    total += packed.back().size();
    if (packed.back().size() > limits::signature || total > limits::signaturesTotal)
      return refuse(Code::resourceExhausted, "signatures", "are larger than 1 MiB each or 4 MiB together");
  }
  return packed;
}

void unpackSignatures(const std::vector<PackedSignature>& packed,
                      capnp::List<schema::Signature>::Builder to) {
  for (size_t i = 0; i < packed.size(); ++i) {
    auto words = kj::heapArray<capnp::word>(packed[i].size() / sizeof(capnp::word));
    std::memcpy(words.begin(), packed[i].data(), words.size() * sizeof(capnp::word));
    capnp::FlatArrayMessageReader message(words.asPtr());
    copy(message.getRoot<schema::Signature>(), to[static_cast<unsigned>(i)]);
  }
}

}  // namespace bulkhead::ipc
