#include "daemons/cri-frontend/streaming/spdy-framing.h"

#include <algorithm>

#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

constexpr size_t headerBytes = 8;
constexpr uint32_t controlBit = 0x80000000;
constexpr uint32_t streamMask = 0x7fffffff;
constexpr uint32_t version = 3;
constexpr uint8_t flagFin = 1;
constexpr int64_t firstWindow = 64 * 1024;
constexpr int64_t largestWindow = 0x7fffffff;
constexpr size_t tellAt = 32 * 1024;  // half a window has been consumed
constexpr size_t withoutWindows = 64 * 1024;

enum Type : uint16_t {
  typeSynStream = 1,
  typeSynReply = 2,
  typeRstStream = 3,
  typeSettings = 4,
  typePing = 6,
  typeGoAway = 7,
  typeHeaders = 8,
  typeWindowUpdate = 9,
};
enum Status : uint32_t { protocolError = 1, refusedStream = 3, flowControlError = 7 };
constexpr uint32_t settingInitialWindow = 7;

uint32_t numberAt(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string number(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::string frameHeader(uint32_t word, uint8_t flags, size_t length) {
  return number(word) + number(static_cast<uint32_t>(flags) << 24 | static_cast<uint32_t>(length));
}

}  // namespace

SpdyFraming::SpdyFraming() : initialWindow_(firstWindow), connectionWindow_(firstWindow) {}

Outcome<void> SpdyFraming::broken(const char* why) {
  sendControl(typeGoAway, 0, number(lastStream_) + number(protocolError));
  return invalid("", why);
}

Outcome<void> SpdyFraming::feed(std::string_view bytes, Receiver& receiver) {
  while (!bytes.empty() || (inFrame_ && left_ == 0)) {
    if (!inFrame_) {
      size_t n = std::min(bytes.size(), headerBytes - header_.size());
      header_ += bytes.substr(0, n);
      bytes.remove_prefix(n);
      if (header_.size() == headerBytes) beginFrame();
      if (inFrame_ && isControl_ && left_ > limits::controlFrame)
        return broken("a control frame is too large");
      continue;
    }
    std::string_view part = bytes.substr(0, std::min(bytes.size(), left_));
    bytes.remove_prefix(part.size());
    left_ -= part.size();
    if (isControl_) {
      control_ += part;
    } else {
      takeData(part, receiver);
    }
    if (left_ > 0) continue;
    inFrame_ = false;
    if (!isControl_) {
      endData(receiver);
    } else if (auto ok = takeControl(receiver); !ok) {
      return ok;
    }
  }
  return {};
}

void SpdyFraming::beginFrame() {
  uint32_t first = numberAt(header_, 0);
  uint32_t second = numberAt(header_, 4);
  header_.clear();
  control_.clear();
  isControl_ = (first & controlBit) != 0;
  word_ = first & streamMask;
  flags_ = static_cast<uint8_t>(second >> 24);
  left_ = second & 0xffffff;
  inFrame_ = true;
}

void SpdyFraming::takeData(std::string_view bytes, Receiver& receiver) {
  if (bytes.empty()) return;
  auto found = streams_.find(word_);
  if (found != streams_.end() && found->second.clientSends) {
    receiver.received(word_, bytes);
  } else {
    consumed(0, bytes.size());  // of a stream that is over: sent before the client knew
  }
}

void SpdyFraming::endData(Receiver& receiver) {
  if ((flags_ & flagFin) != 0) endOfClient(word_, receiver);
}

void SpdyFraming::endOfClient(StreamId stream, Receiver& receiver) {
  auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.clientSends) return;
  found->second.clientSends = false;
  forgetIfDone(found);
  receiver.ended(stream);
}

Outcome<void> SpdyFraming::takeControl(Receiver& receiver) {
  std::string body = std::move(control_);
  if (word_ >> 16 != version) return broken("a control frame is not of SPDY/3");
  switch (word_ & 0xffff) {
    case typeSynStream:
      return synStream(body, flags_, receiver);
    case typeSynReply:
    case typeHeaders:
      return headers(body);
    case typeRstStream:
      return rstStream(body, receiver);
    case typeSettings:
      return settings(body);
    case typePing:
      return ping(body);
    case typeGoAway:
      return invalid("", "the client says goodbye");
    case typeWindowUpdate:
      return windowUpdate(body, receiver);
    default:
      return {};  // to be ignored (section 2.2.1)
  }
}

Outcome<void> SpdyFraming::synStream(std::string_view body, uint8_t flags, Receiver& receiver) {
  constexpr size_t beforeBlock = 10;
  if (body.size() < beforeBlock) return broken("SYN_STREAM is too short");
  StreamId stream = numberAt(body, 0) & streamMask;
  auto block = reader_.read(body.substr(beforeBlock));
  if (!block) return broken("a header block cannot be read");
  if (stream % 2 == 0 || stream <= lastStream_) return broken("a stream's number is not the client's next");
  lastStream_ = stream;
  if (streams_.size() >= limits::streams) {
    reset(stream, refusedStream);
    return {};
  }
  streams_[stream].window = initialWindow_;
  if (!receiver.opened(stream, *block)) {
    streams_.erase(stream);
    reset(stream, refusedStream);
    return {};
  }
  sendControl(typeSynReply, 0, number(stream) + writer_.write({}));
  if ((flags & flagFin) != 0) endOfClient(stream, receiver);
  return {};
}

// They say nothing to us, but the zlib stream goes through them.
Outcome<void> SpdyFraming::headers(std::string_view body) {
  constexpr size_t beforeBlock = 4;
  if (body.size() < beforeBlock || !reader_.read(body.substr(beforeBlock)))
    return broken("a header block cannot be read");
  return {};
}

Outcome<void> SpdyFraming::rstStream(std::string_view body, Receiver& receiver) {
  if (body.size() != 8) return broken("RST_STREAM is not 8 bytes");
  StreamId stream = numberAt(body, 0) & streamMask;
  if (streams_.erase(stream) > 0) receiver.dropped(stream);
  return {};
}

Outcome<void> SpdyFraming::settings(std::string_view body) {
  constexpr size_t entry = 8;
  if (body.size() < 4 || (body.size() - 4) % entry != 0 || numberAt(body, 0) != (body.size() - 4) / entry)
    return broken("SETTINGS are not as many as they say");
  for (size_t at = 4; at < body.size(); at += entry) {
    if ((numberAt(body, at) & 0xffffff) != settingInitialWindow) continue;
    int64_t window = numberAt(body, at + 4);
    if (window > largestWindow) return broken("an initial window is too large");
    knowsWindows_ = true;
    for (auto& [id, stream] : streams_) stream.window += window - initialWindow_;
    initialWindow_ = window;
  }
  return {};
}

Outcome<void> SpdyFraming::ping(std::string_view body) {
  if (body.size() != 4) return broken("PING is not 4 bytes");
  if (numberAt(body, 0) % 2 == 1) sendControl(typePing, 0, body);
  return {};
}

Outcome<void> SpdyFraming::windowUpdate(std::string_view body, Receiver& receiver) {
  if (body.size() != 8) return broken("WINDOW_UPDATE is not 8 bytes");
  StreamId stream = numberAt(body, 0) & streamMask;
  int64_t more = numberAt(body, 4) & streamMask;
  if (stream == 0) {
    knowsConnectionWindow_ = true;
    connectionWindow_ += more;
    if (more == 0 || connectionWindow_ > largestWindow) return broken("the connection's window is too large");
    return {};
  }
  knowsWindows_ = true;
  auto found = streams_.find(stream);
  if (found == streams_.end()) return {};
  found->second.window += more;
  if (more == 0 || found->second.window > largestWindow) {
    streams_.erase(found);
    reset(stream, flowControlError);
    receiver.dropped(stream);
  }
  return {};
}

size_t SpdyFraming::room(StreamId stream) const {
  auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.weSend) return 0;
  int64_t most = withoutWindows;
  if (knowsWindows_) most = std::min(most, found->second.window);
  if (knowsConnectionWindow_) most = std::min(most, connectionWindow_);
  return static_cast<size_t>(std::max<int64_t>(most, 0));
}

void SpdyFraming::send(StreamId stream, std::string_view bytes) {
  auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.weSend || bytes.empty()) return;
  // Counted from the start, so that they are right when the client turns out to have windows. Below, they
  // would only ever fall.
  constexpr int64_t least = -(int64_t{1} << 40);
  found->second.window = std::max(found->second.window - static_cast<int64_t>(bytes.size()), least);
  connectionWindow_ = std::max(connectionWindow_ - static_cast<int64_t>(bytes.size()), least);
  put(frameHeader(stream, 0, bytes.size()));
  put(bytes);
}

void SpdyFraming::end(StreamId stream) {
  auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.weSend) return;
  put(frameHeader(stream, flagFin, 0));
  found->second.weSend = false;
  forgetIfDone(found);
}

void SpdyFraming::consumed(StreamId stream, size_t bytes) {
  auto tell = [this](StreamId to, size_t& owed) {
    if (owed < tellAt) return;
    sendControl(typeWindowUpdate, 0, number(to) + number(static_cast<uint32_t>(owed)));
    owed = 0;
  };
  connectionOwed_ += bytes;
  tell(0, connectionOwed_);
  auto found = streams_.find(stream);
  if (found == streams_.end() || !found->second.clientSends) return;
  found->second.owed += bytes;
  tell(stream, found->second.owed);
}

void SpdyFraming::close() {
  sendControl(typeGoAway, 0, number(lastStream_) + number(0));
}

void SpdyFraming::forgetIfDone(Streams::iterator stream) {
  if (!stream->second.clientSends && !stream->second.weSend) streams_.erase(stream);
}

void SpdyFraming::reset(StreamId stream, uint32_t status) {
  sendControl(typeRstStream, 0, number(stream) + number(status));
}

void SpdyFraming::sendControl(uint16_t type, uint8_t flags, std::string_view body) {
  put(frameHeader(controlBit | version << 16 | type, flags, body.size()));
  put(body);
}

}  // namespace bulkhead::streaming
