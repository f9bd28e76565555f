#include "daemons/common/base/digest-stream.h"

#include <array>
#include <stdexcept>
#include <string>

namespace bulkhead {

DigestStream::DigestStream() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL has no SHA-256");
  }
}

void DigestStream::update(std::string_view bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1)
    throw std::runtime_error("SHA-256 failed");
  count_ += bytes.size();
}

Digest DigestStream::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> raw{};
  unsigned size = 0;
  if (EVP_DigestFinal_ex(context_.get(), raw.data(), &size) != 1) throw std::runtime_error("SHA-256 failed");
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * static_cast<size_t>(size));
  for (unsigned i = 0; i < size; ++i) {
    hex += digits[raw[i] >> 4];
    hex += digits[raw[i] & 15];
  }
  return Digest::fromHex(std::move(hex));
}

Digest digestOf(std::string_view bytes) {
  DigestStream stream;
  stream.update(bytes);
  return stream.finish();
}

}  // namespace bulkhead
