#include "daemons/imaged/fetcher/blob-transfer.h"

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/imaged/fetcher/registry-refusals.h"

namespace bulkhead::fetcher {
namespace {

// A registry that hands out a few bytes per connection would otherwise keep us for ever.
constexpr int attemptsInAll = 100;

}  // namespace

BlobTransfer::BlobTransfer(const std::vector<RegistryClient*>& sources, PipeWriter& pipe, Digest digest,
                           std::uint64_t size)
    : sources_(sources), pipe_(pipe), digest_(std::move(digest)), size_(size) {}

Outcome<std::uint64_t> BlobTransfer::run() {
  Outcome<void> done;
  for (RegistryClient* source : sources_) {
    done = runFrom(*source);
    if (done) break;
    if (readerGone_ || isWhole() || source == sources_.back()) return tl::unexpected(done.error());
    log::warning("a mirror fails, the next source is asked",
                 {{"source", source->who()}, {"blob", digest_.text()}, {"reason", done.error().reason}});
  }
  return written_;
}

Outcome<void> BlobTransfer::runFrom(RegistryClient& source) {
  client_ = &source;
  refusal_.reset();
  std::uint64_t begun = written_;
  int fruitless = 0;
  while (++attempts_ <= attemptsInAll) {
    std::uint64_t before = written_;
    attemptBegun_ = false;
    auto response = source.blob(digest_, written_, [this](const HttpResponse& head, std::string_view bytes) {
      return accept(head, bytes);
    });
    if (refusal_) return tl::unexpected(*refusal_);
    if (isWhole() && (response || written_ > before)) return {};
    if (response && size_ == 0) return {};
    // A whole answer that is too short is what the registry has.
    if (response) return refuse(Code::failedPrecondition, "", digest_.text() + " is shorter than declared");
    fruitless = written_ - before >= leastProgress ? 0 : fruitless + 1;
    bool again = response.error().transient || written_ > begun;
    if (!again || fruitless == triesWithoutProgress) return tl::unexpected(response.error().refusal);
    source.http().pause(backoff(fruitless));
  }
  return tl::unexpected(noAnswerFrom(source.who(), Transport::brokenOff));
}

bool BlobTransfer::accept(const HttpResponse& head, std::string_view bytes) {
  if (!attemptBegun_) {
    attemptBegun_ = true;
    skip_ = head.status == 206 ? 0 : written_;
    if (head.status == 206 && !continuesHere(head)) {
      refusal_ = {Code::failedPrecondition, "",
                  client_->who() + " answers with another range than was asked for"};
      return false;
    }
  }
  size_t skipped = std::min<std::uint64_t>(skip_, bytes.size());
  skip_ -= skipped;
  bytes.remove_prefix(skipped);
  if (size_ != 0 && bytes.size() > size_ - written_) {
    refusal_ = {Code::failedPrecondition, "", digest_.text() + " is longer than declared"};
    return false;
  }
  if (!pipe_.write(bytes)) {
    readerGone_ = true;
    refusal_ = {Code::failedPrecondition, "sink", "nobody reads the pipe any more"};
    return false;
  }
  written_ += bytes.size();
  return true;
}

// RFC 9110 §14.4: "bytes FIRST-LAST/LENGTH".
bool BlobTransfer::continuesHere(const HttpResponse& head) const {
  return written_ > 0 && head.header("content-range").starts_with("bytes " + std::to_string(written_) + "-");
}

}  // namespace bulkhead::fetcher
