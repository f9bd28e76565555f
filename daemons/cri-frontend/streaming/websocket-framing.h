// WebSocket (RFC 6455) as a server, with Kubernetes' channels in its messages: the first byte of a message is
// the stream. Messages are passed on as they come in, however long; those in base64 are held whole.
#pragma once

#include <array>
#include <optional>

#include "daemons/cri-frontend/streaming/framing.h"

namespace bulkhead::streaming {

// 0 to 4: stdin, stdout, stderr, error, resize (k8s.io/apimachinery, pkg/util/remotecommand).
inline constexpr std::array<const char*, 5> channelNames{"stdin", "stdout", "stderr", "error", "resize"};

class WebSocketFraming final : public Framing {
 public:
  struct Kind {
    bool base64 = false;       // texts of base64; the channel is a digit
    bool closeSignal = false;  // v5: byte 255 and a channel end the client's side of it
  };
  explicit WebSocketFraming(Kind kind) : kind_(kind) {}

  // Opens all channels, with a header `streamtype` as in SPDY. The first that we send on says so by an empty
  // message, as the peers have it.
  void begin(Receiver& receiver) override;
  Outcome<void> feed(std::string_view bytes, Receiver& receiver) override;
  [[nodiscard]] size_t room(StreamId stream) const override;
  // Empty bytes are a message, too.
  void send(StreamId stream, std::string_view bytes) override;
  void end(StreamId stream) override;
  void consumed(StreamId, size_t) override {}
  void close() override;

 private:
  struct Frame {
    uint8_t opcode = 0;
    bool final = false;
    uint64_t left = 0;
    std::array<char, 4> mask{};
    size_t at = 0;  // in the mask
  };

  Outcome<bool> takeHeader(std::string_view& bytes);
  Outcome<void> beginFrame();
  Outcome<void> takePayload(std::string_view& bytes, Receiver& receiver);
  Outcome<void> endFrame(Receiver& receiver);
  Outcome<void> control();
  Outcome<void> message(std::string_view bytes, Receiver& receiver);
  Outcome<void> endMessage(Receiver& receiver);
  void deliver(std::string_view bytes, Receiver& receiver);
  Outcome<void> broken(uint16_t code, const char* why);
  void sendFrame(uint8_t opcode, std::string_view head, std::string_view body);
  void sendClose(uint16_t code);

  const Kind kind_;
  std::array<bool, channelNames.size()> clientSends_{};
  std::array<bool, channelNames.size()> weSend_{};
  bool closed_ = false;  // we have said so

  std::string header_;
  std::optional<Frame> frame_;
  std::string control_;
  bool inMessage_ = false;
  std::optional<uint8_t> channel_;  // of the message, once its first byte is there
  std::string text_;                // base64, or the channel of a close signal
};

}  // namespace bulkhead::streaming
