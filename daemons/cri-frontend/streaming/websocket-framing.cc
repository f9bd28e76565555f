#include "daemons/cri-frontend/streaming/websocket-framing.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "daemons/common/base/base64.h"
#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

enum Opcode : uint8_t { continuation = 0, text = 1, binary = 2, close_ = 8, ping = 9, pong = 10 };
constexpr uint16_t normal = 1000, protocolError = 1002, tooLarge = 1009;
constexpr uint8_t closeSignal = 255;
constexpr size_t largestControl = 125;

bool isControl(uint8_t opcode) {
  return (opcode & 8) != 0;
}

// Eight bytes at a time; `at`: where in the mask the first byte is.
void unmask(std::string& bytes, const std::array<char, 4>& mask, size_t at) {
  std::array<char, 8> turned{};
  for (size_t i = 0; i < turned.size(); ++i) turned[i] = mask[(at + i) % 4];
  size_t done = 0;
  for (; done + 8 <= bytes.size(); done += 8) {
    uint64_t word = 0, key = 0;
    std::memcpy(&word, bytes.data() + done, 8);
    std::memcpy(&key, turned.data(), 8);
    word ^= key;
    std::memcpy(bytes.data() + done, &word, 8);
  }
  for (; done < bytes.size(); ++done) bytes[done] = static_cast<char>(bytes[done] ^ turned[done % 8]);
}

std::string inBase64(std::string_view bytes) {
  std::string encoded(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(encoded.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  encoded.resize(static_cast<size_t>(length));
  return encoded;
}

}  // namespace

void WebSocketFraming::begin(Receiver& receiver) {
  for (StreamId i = 0; i < channelNames.size(); ++i)
    clientSends_[i] = weSend_[i] = receiver.opened(i, {{"streamtype", channelNames[i]}});
  for (StreamId i : {1U, 2U, 3U}) {
    if (weSend_[i]) return send(i, "");
  }
}

Outcome<void> WebSocketFraming::feed(std::string_view bytes, Receiver& receiver) {
  while (!bytes.empty() || (frame_ && frame_->left == 0)) {
    if (!frame_) {
      auto whole = takeHeader(bytes);
      if (!whole) return tl::unexpected(whole.error());
      continue;
    }
    if (auto ok = takePayload(bytes, receiver); !ok) return ok;
    if (frame_->left > 0) continue;
    if (auto ok = endFrame(receiver); !ok) return ok;
    frame_.reset();
  }
  return {};
}

// 2 bytes, 2 or 8 more of the length, 4 of the mask.
Outcome<bool> WebSocketFraming::takeHeader(std::string_view& bytes) {
  auto needed = [this]() -> size_t {
    if (header_.size() < 2) return 2;
    uint8_t length = static_cast<uint8_t>(header_[1]) & 0x7f;
    return 2U + (length == 126 ? 2U : length == 127 ? 8U : 0U) + 4U;
  };
  while (!bytes.empty() && header_.size() < needed()) {
    header_ += bytes.front();
    bytes.remove_prefix(1);
  }
  if (header_.size() < needed()) return false;
  if (auto ok = beginFrame(); !ok) return tl::unexpected(ok.error());
  return true;
}

Outcome<void> WebSocketFraming::beginFrame() {
  auto byte = [this](size_t at) { return static_cast<uint8_t>(header_[at]); };
  Frame frame;
  frame.final = (byte(0) & 0x80) != 0;
  frame.opcode = byte(0) & 0x0f;
  frame.left = byte(1) & 0x7f;
  size_t lengthBytes = header_.size() - 2 - 4;
  if (lengthBytes > 0) frame.left = 0;
  for (size_t i = 0; i < lengthBytes; ++i) frame.left = frame.left << 8 | byte(2 + i);
  std::copy_n(header_.end() - 4, 4, frame.mask.begin());
  bool reserved = (byte(0) & 0x70) != 0, masked = (byte(1) & 0x80) != 0;
  header_.clear();
  control_.clear();
  if (reserved || !masked) return broken(protocolError, "a frame is not a client's");
  if (frame.left >> 63 != 0) return broken(protocolError, "a frame is too large");
  if (isControl(frame.opcode)) {
    if (frame.opcode > pong || !frame.final || frame.left > largestControl)
      return broken(protocolError, "a control frame is none");
  } else {
    bool begins = frame.opcode == text || frame.opcode == binary;
    if ((!begins && frame.opcode != continuation) || begins == inMessage_)
      return broken(protocolError, "a frame does not fit its message");
    inMessage_ = true;
  }
  frame_ = frame;
  return {};
}

Outcome<void> WebSocketFraming::takePayload(std::string_view& bytes, Receiver& receiver) {
  size_t n = static_cast<size_t>(std::min<uint64_t>({bytes.size(), frame_->left, limits::oneRead}));
  std::string plain(bytes.substr(0, n));
  bytes.remove_prefix(n);
  frame_->left -= n;
  unmask(plain, frame_->mask, frame_->at);
  frame_->at = (frame_->at + n) % 4;
  if (!isControl(frame_->opcode)) return message(plain, receiver);
  control_ += plain;
  return {};
}

Outcome<void> WebSocketFraming::endFrame(Receiver& receiver) {
  if (isControl(frame_->opcode)) return control();
  return frame_->final ? endMessage(receiver) : Outcome<void>();
}

Outcome<void> WebSocketFraming::control() {
  if (frame_->opcode == ping) sendFrame(pong, "", control_);
  if (frame_->opcode != close_) return {};
  sendClose(normal);
  return invalid("", "the client says goodbye");
}

Outcome<void> WebSocketFraming::message(std::string_view bytes, Receiver& receiver) {
  if (bytes.empty()) return {};
  if (!channel_) {
    channel_ = static_cast<uint8_t>(bytes.front());
    if (kind_.base64) channel_ = static_cast<uint8_t>(*channel_ - '0');
    bytes.remove_prefix(1);
  }
  bool isSignal = kind_.closeSignal && *channel_ == closeSignal;
  if (!kind_.base64 && !isSignal) {
    deliver(bytes, receiver);
    return {};
  }
  if (text_.size() + bytes.size() > limits::textMessage) return broken(tooLarge, "a message is too large");
  text_ += bytes;
  return {};
}

Outcome<void> WebSocketFraming::endMessage(Receiver& receiver) {
  inMessage_ = false;
  std::string held = std::move(text_);
  text_.clear();
  bool isSignal = kind_.closeSignal && channel_ == closeSignal;
  if (isSignal) {
    if (held.size() != 1) return broken(protocolError, "a close signal names one channel");
    auto ended = static_cast<uint8_t>(held[0]);
    if (ended < clientSends_.size() && clientSends_[ended]) {
      clientSends_[ended] = false;
      receiver.ended(ended);
    }
  } else if (kind_.base64 && channel_) {
    auto bytes = decodeBase64(held);
    if (!bytes) return broken(protocolError, "a message is not base64");
    deliver(*bytes, receiver);
  }
  channel_.reset();
  return {};
}

// What goes to a channel that is none of ours is dropped, as the peers do.
void WebSocketFraming::deliver(std::string_view bytes, Receiver& receiver) {
  if (*channel_ < clientSends_.size() && clientSends_[*channel_] && !bytes.empty())
    receiver.received(*channel_, bytes);
}

size_t WebSocketFraming::room(StreamId stream) const {
  return stream < weSend_.size() && weSend_[stream] && !closed_ ? limits::oneRead : 0;
}

void WebSocketFraming::send(StreamId stream, std::string_view bytes) {
  if (room(stream) == 0) return;
  if (kind_.base64) {
    sendFrame(text, std::string(1, static_cast<char>('0' + stream)), inBase64(bytes));
  } else {
    sendFrame(binary, std::string(1, static_cast<char>(stream)), bytes);
  }
}

// There is no word for it; the client learns it from the connection's close.
void WebSocketFraming::end(StreamId stream) {
  if (stream < weSend_.size()) weSend_[stream] = false;
}

void WebSocketFraming::close() {
  sendClose(normal);
}

Outcome<void> WebSocketFraming::broken(uint16_t code, const char* why) {
  sendClose(code);
  return invalid("", why);
}

void WebSocketFraming::sendClose(uint16_t code) {
  if (closed_) return;
  std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  sendFrame(close_, "", body);
  closed_ = true;
}

void WebSocketFraming::sendFrame(uint8_t opcode, std::string_view head, std::string_view body) {
  if (closed_) return;
  uint64_t size = head.size() + body.size();
  std::string header(1, static_cast<char>(0x80 | opcode));
  int lengthBytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  header += static_cast<char>(lengthBytes == 0 ? size : lengthBytes == 2 ? 126 : 127);
  for (int i = lengthBytes - 1; i >= 0; --i) header += static_cast<char>(size >> (8 * i) & 0xff);
  put(header);
  put(head);
  put(body);
}

}  // namespace bulkhead::streaming
