#include "daemons/storaged/verifier/key-material.h"

#include <iterator>

namespace bulkhead::verifier {
namespace {

// Which text of the source it was.
std::string labelOf(const KeySource& source, size_t index) {
  return index < source.paths.size() ? source.paths[index] : "key data in the policy";
}

}  // namespace

Outcome<std::vector<std::string>> textsOf(const KeySource& source, const TrustFiles& files) {
  std::vector<std::string> texts;
  for (const std::string& path : source.paths) {
    auto text = files.read(path);
    if (!text) return tl::unexpected(text.error());
    texts.push_back(*std::move(text));
  }
  texts.insert(texts.end(), source.data.begin(), source.data.end());
  return texts;
}

Outcome<std::vector<NamedKey>> keysOf(const KeySource& source, const TrustFiles& files) {
  auto texts = textsOf(source, files);
  if (!texts) return tl::unexpected(texts.error());
  std::vector<NamedKey> keys;
  for (std::string& text : *texts) {
    auto key = parsePublicKey(text);
    if (!key) return refuse(key.error().code, "", labelOf(source, keys.size()) + " " + key.error().reason);
    keys.push_back({*std::move(key), std::move(text)});
  }
  return keys;
}

Outcome<std::vector<Certificate>> certificatesOf(const KeySource& source, const TrustFiles& files) {
  auto texts = textsOf(source, files);
  if (!texts) return tl::unexpected(texts.error());
  std::vector<Certificate> all;
  for (size_t i = 0; i < texts->size(); ++i) {
    auto some = parseCertificates((*texts)[i]);
    if (!some) return refuse(some.error().code, "", labelOf(source, i) + " " + some.error().reason);
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace bulkhead::verifier
