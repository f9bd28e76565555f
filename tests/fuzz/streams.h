// What must hold of any framing, whatever its client says.
#pragma once

#include <algorithm>
#include <map>
#include <string_view>

#include "daemons/cri-frontend/streaming/framing.h"
#include "daemons/cri-frontend/streaming/limits.h"
#include "tests/fuzz/check.h"

namespace bulkhead::fuzz {

class Streams final : public streaming::Receiver {
 public:
  explicit Streams(streaming::Framing& framing) : framing_(framing) {}

  bool opened(streaming::StreamId stream, const streaming::StreamHeaders& headers) override {
    size_t total = 0;
    for (const auto& [name, value] : headers) total += name.size() + value.size();
    check(total <= streaming::limits::headerBlock, "headers are bounded");
    check(!open_.contains(stream), "a stream opens once");
    bool wanted = stream % 8 != 7;
    open_[stream] = wanted;
    check(open_.size() <= streaming::limits::streams + closed_, "streams are bounded");
    return wanted;
  }
  void received(streaming::StreamId stream, std::string_view bytes) override {
    check(open_.contains(stream) && open_[stream], "bytes are of an open stream");
    in_ += bytes.size();
    framing_.consumed(stream, bytes.size());
  }
  void ended(streaming::StreamId stream) override {
    check(open_.contains(stream) && open_[stream], "an open stream ends, once");
    open_[stream] = false;
  }
  void dropped(streaming::StreamId stream) override {
    check(open_.contains(stream), "an open stream is dropped");
    open_[stream] = false;
    ++closed_;
  }

  // In pieces of `piece` bytes, 0: all at once; sends a little on every stream meanwhile.
  void feed(std::string_view bytes, size_t piece) {
    size_t fed = 0;
    while (!bytes.empty()) {
      size_t n = piece == 0 ? bytes.size() : std::min(piece, bytes.size());
      fed += n;
      if (!framing_.feed(bytes.substr(0, n), *this)) break;
      bytes.remove_prefix(n);
      for (auto& [stream, is] : open_) {
        size_t room = framing_.room(stream);
        check(room <= 64 * 1024, "room is bounded");
        framing_.send(stream, std::string_view("answer").substr(0, std::min<size_t>(room, 6)));
        sent_ += 6 + 32;
      }
      if (open_.size() > 16) break;  // of no more interest
    }
    check(in_ <= fed + fed / 3 + 3, "no more comes out than went in");
    // A header block's answer is a few bytes more than the block.
    check(framing_.output().size() <= 8 * fed + sent_ + 1024, "answers are in proportion");
    framing_.close();
  }

 private:
  streaming::Framing& framing_;
  std::map<streaming::StreamId, bool> open_;
  size_t closed_ = 0;
  size_t in_ = 0;
  size_t sent_ = 0;
};

}  // namespace bulkhead::fuzz
