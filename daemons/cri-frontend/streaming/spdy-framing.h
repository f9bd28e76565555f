// SPDY/3.1 as a server (draft-mbelshe-httpbis-spdy-00 and 3.1's connection window). The client opens streams,
// we never do.
//
// Windows: moby/spdystream, which kubelets and crictl are made with, knows none: it neither minds ours nor
// opens its own. So ours only tell who asks, and the client's count from the moment it shows that it has any
// (SETTINGS with an initial window, WINDOW_UPDATE); before that TCP alone holds us back.
#pragma once

#include <map>

#include "daemons/cri-frontend/streaming/framing.h"
#include "daemons/cri-frontend/streaming/spdy-block.h"

namespace bulkhead::streaming {

class SpdyFraming final : public Framing {
 public:
  SpdyFraming();
  void begin(Receiver&) override {}
  Outcome<void> feed(std::string_view bytes, Receiver& receiver) override;
  [[nodiscard]] size_t room(StreamId stream) const override;
  void send(StreamId stream, std::string_view bytes) override;
  void end(StreamId stream) override;
  void consumed(StreamId stream, size_t bytes) override;
  void close() override;

 private:
  struct Stream {
    int64_t window = 0;  // what the client still takes; negative after a smaller SETTINGS
    size_t owed = 0;     // consumed and not yet told
    bool clientSends = true;
    bool weSend = true;
  };
  using Streams = std::map<StreamId, Stream>;

  Outcome<void> takeControl(Receiver& receiver);
  Outcome<void> synStream(std::string_view body, uint8_t flags, Receiver& receiver);
  Outcome<void> headers(std::string_view body);
  Outcome<void> rstStream(std::string_view body, Receiver& receiver);
  Outcome<void> settings(std::string_view body);
  Outcome<void> ping(std::string_view body);
  Outcome<void> windowUpdate(std::string_view body, Receiver& receiver);

  void beginFrame();
  void takeData(std::string_view bytes, Receiver& receiver);
  void endData(Receiver& receiver);
  void endOfClient(StreamId stream, Receiver& receiver);
  void forgetIfDone(Streams::iterator stream);
  void reset(StreamId stream, uint32_t status);
  void sendControl(uint16_t type, uint8_t flags, std::string_view body);
  Outcome<void> broken(const char* why);

  BlockReader reader_;
  BlockWriter writer_;
  Streams streams_;
  StreamId lastStream_ = 0;  // the highest that the client has opened
  bool knowsWindows_ = false;
  bool knowsConnectionWindow_ = false;
  int64_t initialWindow_;
  int64_t connectionWindow_;
  size_t connectionOwed_ = 0;

  // The frame that is coming in.
  std::string header_;
  std::string control_;
  bool isControl_ = false;
  uint32_t word_ = 0;  // of a control frame: version and type; of data: the stream
  uint8_t flags_ = 0;
  size_t left_ = 0;  // bytes of it to come
  bool inFrame_ = false;
};

}  // namespace bulkhead::streaming
