// SHA-256 of bytes as they pass by. The hashes that Bulkhead relies on are computed with this in storaged's
// main process; elsewhere it names things.
#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <string_view>

#include "daemons/common/base/digest.h"

namespace bulkhead {

class DigestStream {
 public:
  DigestStream();

  void update(std::string_view bytes);
  // How many bytes have passed.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  // Ends the stream; call once.
  Digest finish();

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
  std::uint64_t count_ = 0;
};

Digest digestOf(std::string_view bytes);

}  // namespace bulkhead
