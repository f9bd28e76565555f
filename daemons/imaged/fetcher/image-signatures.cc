#include "daemons/imaged/fetcher/image-signatures.h"

#include "daemons/imaged/fetcher/lookaside.h"
#include "daemons/imaged/fetcher/signature-documents.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

size_t sizeOf(const FoundSignature& signature) {
  if (const auto* message = std::get_if<SimpleMessage>(&signature)) return message->size();
  const auto& attachment = std::get<Attachment>(signature);
  return attachment.payload.size() + attachment.signature.size() + attachment.certificate.size() +
         attachment.chain.size() + attachment.bundle.size();
}

class Search {
 public:
  Search(RegistryClient& client, const SignatureSearch& wanted) : client_(client), wanted_(wanted) {}

  Outcome<void> simple(const std::vector<Digest>& digests) {
    auto extension = client_.hasSignatureExtension();
    if (!extension) return tl::unexpected(extension.error());
    if (*extension) return each(digests, [this](const Digest& digest) { return byExtension(digest); });
    if (wanted_.lookaside.empty()) return {};
    auto store = Lookaside::at(wanted_.lookaside, client_.http(), client_.registry());
    if (!store) return tl::unexpected(store.error());
    return each(digests, [&store](const Digest& digest) { return store->signaturesOf(digest); });
  }

  Outcome<void> sigstore(const std::vector<Digest>& digests) {
    return each(digests, [this](const Digest& digest) { return attached(digest); });
  }

  std::vector<FoundSignature> found;

 private:
  template <typename Find>
  Outcome<void> each(const std::vector<Digest>& digests, Find find) {
    for (const Digest& digest : digests) {
      auto some = find(digest);
      if (!some) return tl::unexpected(some.error());
      for (auto& one : *some) {
        auto kept = keep(std::move(one));
        if (!kept) return kept;
      }
    }
    return {};
  }

  Outcome<void> keep(FoundSignature signature) {
    bytes_ += sizeOf(signature);
    found.push_back(std::move(signature));
    if (found.size() <= limits::signatures && bytes_ <= limits::signaturesTotal) return {};
    return refuse(Code::resourceExhausted, "signatures", "are more than 128, or than 4 MiB together");
  }

  Outcome<std::vector<SimpleMessage>> byExtension(const Digest& digest) {
    auto answer = client_.signatures(digest);
    if (!answer && answer.error().code == Code::notFound) return std::vector<SimpleMessage>();
    if (!answer) return tl::unexpected(answer.error());
    return messagesOf(*answer);
  }

  // No tag, no signatures: cosign makes it with the first one.
  Outcome<std::vector<Attachment>> attached(const Digest& digest) {
    auto manifest = client_.manifest("sha256-" + digest.hex() + ".sig");
    if (!manifest && manifest.error().code == Code::notFound) return std::vector<Attachment>();
    if (!manifest) return tl::unexpected(manifest.error());
    auto layers = attachedLayers(*manifest);
    if (!layers) return tl::unexpected(layers.error());
    std::vector<Attachment> attachments;
    size_t bytes = 0;
    for (AttachedLayer& layer : *layers) {
      bytes += layer.payload.size;
      if (layer.payload.size > limits::signature || bytes > limits::signaturesTotal)
        return refuse(Code::resourceExhausted, "signatures", "are larger than 1 MiB each or 4 MiB together");
      auto payload = client_.smallBlob(layer.payload.digest, layer.payload.size);
      if (!payload) return tl::unexpected(payload.error());
      layer.attachment.payload = *std::move(payload);
      attachments.push_back(std::move(layer.attachment));
    }
    return attachments;
  }

  RegistryClient& client_;
  const SignatureSearch& wanted_;
  size_t bytes_ = 0;
};

}  // namespace

Outcome<std::vector<FoundSignature>> findSignatures(RegistryClient& client, const SignatureSearch& search,
                                                    const std::vector<Digest>& digests) {
  Search now(client, search);
  if (search.simple) {
    auto done = now.simple(digests);
    if (!done) return tl::unexpected(done.error());
  }
  if (search.sigstore && search.attachments) {
    auto done = now.sigstore(digests);
    if (!done) return tl::unexpected(done.error());
  }
  return std::move(now.found);
}

}  // namespace bulkhead::fetcher
