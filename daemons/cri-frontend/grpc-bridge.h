// GrpcBridge: from gRPC's threads to the event loop and back. A call's handler runs on the loop and returns a
// promise; its outcome finishes the call. Nothing else of cri is ever touched by a thread of gRPC's.
#pragma once

#include <grpcpp/grpcpp.h>
#include <kj/async.h>

#include <functional>

#include "daemons/cri-frontend/answer.h"

namespace bulkhead::cri {

grpc::Status toStatus(const Refusal& refusal);
// Of a call whose client has gone, of one that comes while cri ends, and of one that broke (which is logged).
grpc::Status goneStatus();
grpc::Status endingStatus();
grpc::Status brokenStatus(const kj::Exception& exception);

// What becomes of a call whose client has gone: most run to their end, because half a creation helps nobody.
enum class ClientGone { finish, cancel };

class GrpcBridge final : private kj::TaskSet::ErrorHandler {
 public:
  // On the loop's thread. Must outlive the gRPC server.
  GrpcBridge() : executor_(kj::getCurrentThreadExecutor().addRef()), calls_(*this) {}

  // From any thread: `handle` is called on the loop with `request`, which, like `response`, lives until the
  // call is finished.
  template <typename Request, typename Response, typename Handler>
  grpc::ServerUnaryReactor* run(const Request* request, Response* response, Handler handle,
                                ClientGone gone = ClientGone::finish) {
    auto* call = new Call(*this, gone);
    call->start([request, response, handle = std::move(handle)]() {
      return handle(*request).then([response](Outcome<Response>&& outcome) {
        if (!outcome) return toStatus(outcome.error());
        *response = std::move(*outcome);
        return grpc::Status::OK;
      });
    });
    return call;
  }

  // For calls of other kinds (grpc-stream.h). Runs `work` on the loop; false if the loop is gone.
  bool onLoop(std::function<void()> work);
  // On the loop: what runs until it is done.
  void keep(kj::Promise<void> running) { calls_.add(kj::mv(running)); }

 private:
  // One call; deletes itself when gRPC is done with it.
  class Call final : public grpc::ServerUnaryReactor {
   public:
    using Work = std::function<kj::Promise<grpc::Status>()>;
    Call(GrpcBridge& bridge, ClientGone gone) : bridge_(bridge), gone_(gone) {}
    void start(Work work);
    void OnCancel() override;
    void OnDone() override { delete this; }

   private:
    void begin(Work& work);
    void end(grpc::Status status);

    GrpcBridge& bridge_;
    const ClientGone gone_;
    // The loop's: null before the work began and after it ended. Owned by the call's promise.
    kj::Canceler* canceler_ = nullptr;
    bool clientGone_ = false;  // and the work was cancelled for it
  };

  void taskFailed(kj::Exception&& exception) override;

  kj::Own<const kj::Executor> executor_;
  kj::TaskSet calls_;
};

}  // namespace bulkhead::cri
