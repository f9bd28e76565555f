#include "daemons/storaged/layer-pipeline.h"

#include <capnp/message.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "daemons/common/base/error.h"
#include "daemons/storaged/pump.h"
#include "daemons/storaged/worker-answer.h"

namespace bulkhead::storaged {
namespace {

using namespace std::chrono_literals;

// The fetcher has a shorter watchdog of its own; this one catches a worker that neither reads nor writes.
constexpr std::chrono::milliseconds patience = 5min;

class Pipeline {
 public:
  explicit Pipeline(LayerTransfer transfer);
  Outcome<Received> run();

 private:
  Outcome<void> moveBytes();
  Outcome<void> waitForMore();
  Outcome<void> charge();
  bool diskIsFull();
  Outcome<void> checkCompressed();
  Outcome<void> checkDecompressed();
  Outcome<Digest> checkDiffId();
  Outcome<Size> checkUnpacked();
  const Outcome<ipc::Packet>& unpackAnswer();
  // A worker that has all its input may still write for a while; one that sleeps must not keep a thread.
  [[nodiscard]] ipc::Patience answerPatience() const { return {transfer_.cancelled.get(), patience}; }
  [[nodiscard]] bool sizeIsKnown() const { return transfer_.layer.size != 0; }
  [[nodiscard]] Pump& toUnpack() { return second_ ? *second_ : first_; }

  LayerTransfer transfer_;
  Pump first_;                  // from the fetcher
  std::optional<Pump> second_;  // from the decompress worker, if there is one
  std::optional<Outcome<ipc::Packet>> unpackAnswer_;
  std::optional<Digest> computedDigest_;
  std::uint64_t charged_ = 0;  // to the image
};

Pipeline::Pipeline(LayerTransfer transfer)
    : transfer_(std::move(transfer)),
      first_(std::move(transfer_.source),
             std::move(transfer_.decompress ? transfer_.decompress->input : transfer_.unpack.input),
             sizeIsKnown() ? transfer_.layer.size : transfer_.limits.layerBytes) {
  if (!transfer_.decompress) return;
  second_.emplace(
      std::move(transfer_.decompress->output), std::move(transfer_.unpack.input),
      sizeIsKnown() ? unpackedLimit(transfer_.limits, transfer_.layer.size) : transfer_.limits.layerBytes);
}

Outcome<Received> Pipeline::run() {
  if (auto moved = moveBytes(); !moved) return tl::unexpected(moved.error());
  if (auto checked = checkCompressed(); !checked) return tl::unexpected(checked.error());
  if (auto checked = checkDecompressed(); !checked) return tl::unexpected(checked.error());
  auto size = checkUnpacked();
  if (!size) return tl::unexpected(size.error());
  auto diffId = checkDiffId();
  if (!diffId) return tl::unexpected(diffId.error());
  return Received{*size, *diffId};
}

Outcome<void> Pipeline::moveBytes() {
  while (!first_.done() || (second_ && !second_->done())) {
    if (auto ready = waitForMore(); !ready) return ready;
    first_.advance();
    transfer_.received->store(first_.count(), std::memory_order_relaxed);
    if (second_) second_->advance();
    if (auto charged = charge(); !charged) return charged;
    if (diskIsFull()) return tl::unexpected(unpackAnswer().error());
  }
  return {};
}

Outcome<void> Pipeline::waitForMore() {
  std::array<pollfd, 3> waits{pollfd{transfer_.cancelled.get(), POLLIN, 0}, first_.waitsFor(),
                              second_ ? second_->waitsFor() : pollfd{-1, 0, 0}};
  int ready = 0;
  while ((ready = ::poll(waits.data(), waits.size(), static_cast<int>(patience.count()))) < 0 &&
         errno == EINTR) {
  }
  if (ready < 0) throwErrno("poll");
  if (waits[0].revents != 0) return refuse(Code::unavailable, transfer_.field, "the pull was given up");
  if (ready == 0) return refuse(Code::unavailable, transfer_.field, "nothing moved for five minutes");
  return {};
}

Outcome<void> Pipeline::charge() {
  std::uint64_t count = toUnpack().count();
  if (!transfer_.budget->takeBytes(count - charged_)) {
    return refuse(Code::resourceExhausted, "layers", "unpack to more, together, than pull.max_image_bytes");
  }
  charged_ = count;
  return {};
}

// Whoever unpacks has stopped reading. A bad archive is worth reading to its end, for the digest's verdict; a
// full disk is not.
bool Pipeline::diskIsFull() {
  if (unpackAnswer_ || !toUnpack().sinkLost()) return false;
  const auto& answer = unpackAnswer();
  return !answer && answer.error().code == Code::resourceExhausted;
}

const Outcome<ipc::Packet>& Pipeline::unpackAnswer() {
  if (!unpackAnswer_) unpackAnswer_ = readAnswer(transfer_.unpack, Answer::UNPACKED, answerPatience());
  return *unpackAnswer_;
}

Outcome<void> Pipeline::checkCompressed() {
  const VerifiedLayer& layer = transfer_.layer;
  if (first_.overLimit() && !sizeIsKnown())
    return refuse(Code::resourceExhausted, transfer_.field, "is larger than pull.max_layer_bytes");
  if (first_.overLimit()) {
    return refuse(Code::failedPrecondition, transfer_.field + ".size", "is less than what the registry sent");
  }
  if (first_.count() < layer.size) {
    return refuse(Code::unavailable, transfer_.field,
                  "the transfer ended after " + std::to_string(first_.count()) + " of " +
                      std::to_string(layer.size) + " bytes");
  }
  computedDigest_ = first_.digest();
  if (*computedDigest_ == layer.digest) return {};
  return refuse(Code::failedPrecondition, transfer_.field + ".digest",
                "is " + layer.digest.text() + ", but the content is " + computedDigest_->text());
}

Outcome<void> Pipeline::checkDecompressed() {
  Outcome<void> fine;
  bool tooSteep = second_ && second_->count() > unpackedLimit(transfer_.limits, first_.count());
  if (second_ && (second_->overLimit() || tooSteep)) {
    bool byRatio = tooSteep || second_->limit() < transfer_.limits.layerBytes;
    return refuse(Code::resourceExhausted, transfer_.field,
                  byRatio ? "unpacks to more times its size than pull.max_compression_ratio"
                          : "unpacks to more than pull.max_layer_bytes");
  }
  if (!second_) return fine;
  auto answer = readAnswer(*transfer_.decompress, Answer::DECOMPRESSED, answerPatience());
  if (!answer) return tl::unexpected(answer.error());
  return fine;
}

// What stands for a file's diff id follows from its digest; of schema 1 nobody says one.
Outcome<Digest> Pipeline::checkDiffId() {
  const VerifiedLayer& layer = transfer_.layer;
  if (!layer.file.empty()) return layer.diffId;
  Digest diffId = second_ ? second_->digest() : *computedDigest_;
  if (!sizeIsKnown() || diffId == layer.diffId) return diffId;
  return refuse(Code::failedPrecondition, transfer_.field + ".diff_id",
                "is " + layer.diffId.text() + ", but the content is " + diffId.text());
}

Outcome<Size> Pipeline::checkUnpacked() {
  const auto& answer = unpackAnswer();
  if (!answer) return tl::unexpected(answer.error());
  auto counted = unpackAnswer_->value().as<schema::WorkerResult>().getUnpacked();
  // Untrusted, and for display: bounded by what such an archive can make. A file or a directory is a byte of
  // a path and its slash; it takes what it holds, and a few blocks that are not full.
  std::uint64_t received = toUnpack().count();
  constexpr std::uint64_t slack = 16 * 1024;
  std::uint64_t inodes = std::min(counted.getInodes(), (received + transfer_.layer.file.size()) / 2 + 2);
  if (!transfer_.budget->takeEntries(inodes)) {
    return refuse(Code::resourceExhausted, "layers",
                  "hold more files, together, than pull.max_image_entries");
  }
  return Size{std::min(counted.getBytes(), 2 * received + inodes * slack), inodes,
              std::min(counted.getContent(), received)};
}

// A pipe that is empty takes it whole.
void sendPath(const LayerTransfer& transfer) {
  capnp::MallocMessageBuilder message;
  message.initRoot<schema::KeepInput>().setPath(transfer.layer.file);
  (void)ipc::writeMessage(transfer.unpack.input.get(), message);
}

}  // namespace

Outcome<Received> receiveLayer(LayerTransfer transfer) {
  std::string field = transfer.field;
  if (!transfer.layer.file.empty()) sendPath(transfer);
  auto received = Pipeline(std::move(transfer)).run();
  if (!received && received.error().field.empty())
    received.error().field = field;  // a worker does not know which layer it has
  return received;
}

}  // namespace bulkhead::storaged
