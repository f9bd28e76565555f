// What a server-streaming call sends: asked for one message at a time, the next only when the last one is on
// its way, so that a client that does not read costs what one message costs.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "daemons/cri-frontend/answer.h"

namespace bulkhead::cri {

template <typename Message>
class Source {
 public:
  virtual ~Source() = default;
  // Nothing: that was all. A refusal ends the stream with it. Not called again before it has answered.
  virtual Answer<std::optional<Message>> next() = 0;
};

// A call's answer to a stream's beginning.
template <typename Message>
using Stream = Answer<kj::Own<Source<Message>>>;

// A list in pieces: `make` is asked for the message of a few `Item`s when their turn comes. What has gone by
// then is left out; a message with nothing in it is not sent.
template <typename Item, typename Message>
class ListSource final : public Source<Message> {
 public:
  using Make = std::function<Answer<Message>(std::vector<Item>)>;
  ListSource(std::vector<Item> items, Make make) : items_(std::move(items)), make_(std::move(make)) {}

  Answer<std::optional<Message>> next() override {
    if (at_ == items_.size()) return Outcome<std::optional<Message>>(std::nullopt);
    constexpr size_t piece = 32;  // far from gRPC's limit of a message, whatever annotations an item has
    size_t end = std::min(items_.size(), at_ + piece);
    std::vector<Item> few(items_.begin() + static_cast<std::ptrdiff_t>(at_),
                          items_.begin() + static_cast<std::ptrdiff_t>(end));
    at_ = end;
    return andThen(make_(std::move(few)), [this](Message&& message) -> Answer<std::optional<Message>> {
      if (message.ByteSizeLong() == 0) return next();
      return Outcome<std::optional<Message>>(std::move(message));
    });
  }

 private:
  std::vector<Item> items_;
  Make make_;
  size_t at_ = 0;
};

template <typename Message, typename Item, typename Make>
Stream<Message> inPieces(std::vector<Item> items, Make make) {
  kj::Own<Source<Message>> source = kj::heap<ListSource<Item, Message>>(std::move(items), std::move(make));
  return Outcome<kj::Own<Source<Message>>>(kj::mv(source));
}

}  // namespace bulkhead::cri
