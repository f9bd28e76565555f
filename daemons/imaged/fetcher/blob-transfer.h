// BlobTransfer: one blob from a registry into a pipe, across broken connections. Bytes that are in the pipe
// cannot be taken back: a new attempt goes on after them, by Range where the registry can, else by skipping.
#pragma once

#include <cstdint>
#include <optional>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/pipe-writer.h"
#include "daemons/imaged/fetcher/registry-client.h"

namespace bulkhead::fetcher {

class BlobTransfer {
 public:
  // Exactly `size` bytes of `digest` are to come. Nothing is verified: the reader of the pipe hashes.
  BlobTransfer(RegistryClient& client, PipeWriter& pipe, Digest digest, std::uint64_t size);

  // Bytes written, which is `size`. Refusals: as the registry's (registry-refusals.h); failedPrecondition for
  // a blob of another length or a reader that went away. Gives up after three attempts in a row without
  // progress (http-client.h). Throws HungUp.
  Outcome<std::uint64_t> run();

 private:
  bool accept(const HttpResponse& head, std::string_view bytes);
  [[nodiscard]] bool continuesHere(const HttpResponse& head) const;

  RegistryClient& client_;
  PipeWriter& pipe_;
  Digest digest_;
  std::uint64_t size_;
  std::uint64_t written_ = 0;
  std::uint64_t skip_ = 0;  // bytes of this attempt that are in the pipe already
  bool attemptBegun_ = false;
  std::optional<Refusal> refusal_;  // why accept() ended the attempt
};

}  // namespace bulkhead::fetcher
