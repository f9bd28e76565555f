// StreamCall: one server-streaming call, from gRPC's threads to the event loop and back. Like a unary call,
// all of it but the hand-over runs on the loop; at most one message is held, and none is made before the last
// one was taken.
#pragma once

#include "daemons/cri-frontend/grpc-bridge.h"
#include "daemons/cri-frontend/stream-source.h"

namespace bulkhead::cri {

// Deletes itself when gRPC is done with it.
template <typename Message>
class StreamCall final : public grpc::ServerWriteReactor<Message> {
 public:
  using Open = std::function<Stream<Message>()>;

  explicit StreamCall(GrpcBridge& bridge) : bridge_(bridge) {}
  ~StreamCall() noexcept override = default;

  // From any thread. `open` is called on the loop.
  void start(Open open) {
    if (!bridge_.onLoop([this, &open]() { begin(std::move(open)); })) this->Finish(endingStatus());
  }

  void OnWriteDone(bool written) override {
    bool onLoop = bridge_.onLoop([this, written]() { written && !gone_ ? pull() : end(goneStatus()); });
    if (!onLoop) this->Finish(endingStatus());
  }
  void OnCancel() override {
    bridge_.onLoop([this]() {
      gone_ = true;
      if (canceler_ != nullptr) canceler_->cancel("the client has gone");
    });
  }
  void OnDone() override { delete this; }

 private:
  void begin(Open open) {
    auto opened = kj::evalLater(kj::mv(open)).then([this](auto&& source) {
      if (!source) return end(toStatus(source.error()));
      source_ = kj::mv(*source);
      this->StartSendInitialMetadata();  // the client may know that it is heard before there is anything to
                                         // say
      gone_ ? end(goneStatus()) : pull();
    });
    run(kj::mv(opened));
  }

  void pull() {
    run(kj::evalLater([this]() { return source_->next(); }).then([this](auto&& next) {
      if (!next) return end(toStatus(next.error()));
      if (!*next) return end(grpc::Status::OK);
      message_ = std::move(**next);
      canceler_ = nullptr;
      this->StartWrite(&message_);
    }));
  }

  // Whatever it does, the call has ended, or a write is under way.
  void run(kj::Promise<void> step) {
    auto canceler = kj::heap<kj::Canceler>();
    canceler_ = canceler.get();
    auto settled = canceler->wrap(kj::mv(step)).catch_([this](kj::Exception&& exception) {
      end(gone_ ? goneStatus() : brokenStatus(exception));
    });
    bridge_.keep(settled.attach(kj::mv(canceler)));
  }

  // On the loop, where the source must end too. `this` may be deleted at once.
  void end(grpc::Status status) {
    canceler_ = nullptr;
    source_ = nullptr;
    this->Finish(std::move(status));
  }

  GrpcBridge& bridge_;
  // The loop's.
  kj::Own<Source<Message>> source_;
  Message message_;
  kj::Canceler* canceler_ = nullptr;  // of the step that runs, if one does
  bool gone_ = false;
};

// As GrpcBridge::run, for a call that streams. A client that goes ends it.
template <typename Request, typename Message, typename Handler>
grpc::ServerWriteReactor<Message>* runStream(GrpcBridge& bridge, const Request* request, Handler handle) {
  auto* call = new StreamCall<Message>(bridge);
  call->start([request, handle = std::move(handle)]() { return handle(*request); });
  return call;
}

}  // namespace bulkhead::cri
