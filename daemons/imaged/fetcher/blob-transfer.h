// BlobTransfer: one blob from its sources into a pipe, across broken connections and from one source to the
// next. Bytes that are in the pipe cannot be taken back: a new attempt goes on after them, by Range where the
// source can, else by skipping.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "daemons/common/base/digest.h"
#include "daemons/common/base/error.h"
#include "daemons/imaged/fetcher/pipe-writer.h"
#include "daemons/imaged/fetcher/registry-client.h"

namespace bulkhead::fetcher {

class BlobTransfer {
 public:
  // `sources` in order, at least one. Exactly `size` bytes of `digest` are to come, or with 0 as
  // many as there are. Nothing is verified: the reader of the pipe hashes, and a source that gave a false
  // byte has spoilt the transfer.
  BlobTransfer(const std::vector<RegistryClient*>& sources, PipeWriter& pipe, Digest digest,
               std::uint64_t size);

  // Bytes written. Refusals: as the registry's (registry-refusals.h); failedPrecondition for
  // a blob of another length or a reader that went away. A source is given up after three attempts in a row
  // without progress (http-client.h); the refusal is the last one's. Throws HungUp.
  Outcome<std::uint64_t> run();

 private:
  // From one source.
  Outcome<void> runFrom(RegistryClient& source);
  bool accept(const HttpResponse& head, std::string_view bytes);
  // Only where the size is known: whether everything is in the pipe.
  [[nodiscard]] bool isWhole() const { return size_ != 0 && written_ == size_; }
  [[nodiscard]] bool continuesHere(const HttpResponse& head) const;

  const std::vector<RegistryClient*>& sources_;
  RegistryClient* client_ = nullptr;  // the one being asked
  PipeWriter& pipe_;
  Digest digest_;
  std::uint64_t size_;
  std::uint64_t written_ = 0;
  std::uint64_t skip_ = 0;  // bytes of this attempt that are in the pipe already
  bool attemptBegun_ = false;
  std::optional<Refusal> refusal_;  // why accept() ended the attempt
  bool readerGone_ = false;         // no other source can help
  int attempts_ = 0;
};

}  // namespace bulkhead::fetcher
