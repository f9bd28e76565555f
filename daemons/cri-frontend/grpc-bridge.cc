#include "daemons/cri-frontend/grpc-bridge.h"

#include "daemons/common/base/log.h"
#include "ipc/scrub.h"

namespace bulkhead::cri {
namespace {

grpc::StatusCode toStatusCode(Code code) {
  switch (code) {
    case Code::invalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::notFound:
      return grpc::StatusCode::NOT_FOUND;
    case Code::alreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case Code::permissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case Code::failedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::resourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::unavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::deadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::internal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

// Words of cri-api (pkg/errors) that the kubelet looks for at the very front of what went wrong with a pull,
// and finds only if the status has no code of its own (cri-client, pullImageV1; kubelet, evalCRIPullErr).
bool isForKubelet(const std::string& reason) {
  return reason.starts_with("RegistryUnavailable") || reason.starts_with("SignatureValidationFailed");
}

}  // namespace

// Who cancelled it does not read the answer.
grpc::Status goneStatus() {
  log::debug("call cancelled by its client", {});
  return {grpc::StatusCode::CANCELLED, "the client has gone"};
}

grpc::Status endingStatus() {
  return {grpc::StatusCode::UNAVAILABLE, "cri is ending"};
}

grpc::Status brokenStatus(const kj::Exception& exception) {
  log::error("call broke", {{"error", ipc::fullText(exception)}});
  return {grpc::StatusCode::INTERNAL, "internal error in cri"};
}

grpc::Status toStatus(const Refusal& refusal) {
  if (isForKubelet(refusal.reason)) return {grpc::StatusCode::UNKNOWN, refusal.reason};
  return {toStatusCode(refusal.code), describe(refusal)};
}

bool GrpcBridge::onLoop(std::function<void()> work) {
  try {
    executor_->executeSync([&work]() { work(); });
    return true;
  } catch (const kj::Exception& exception) {
    log::warning("the event loop is gone", {{"error", ipc::fullText(exception)}});
    return false;
  }
}

void GrpcBridge::Call::start(Work work) {
  // From here on the call may be finished, and so deleted, at any moment.
  if (!bridge_.onLoop([this, &work]() { begin(work); })) Finish(endingStatus());
}

void GrpcBridge::Call::begin(Work& work) {
  auto canceler = kj::heap<kj::Canceler>();
  canceler_ = canceler.get();
  // Later, so that the handler never runs inside the executor's own call.
  auto running = canceler->wrap(kj::evalLater(kj::mv(work)));
  auto ended = running.then(
      [this](grpc::Status&& status) { end(std::move(status)); },
      [this](kj::Exception&& exception) { end(clientGone_ ? goneStatus() : brokenStatus(exception)); });
  bridge_.calls_.add(ended.attach(kj::mv(canceler)));
}

void GrpcBridge::Call::end(grpc::Status status) {
  canceler_ = nullptr;
  Finish(std::move(status));
}

// gRPC calls OnDone only after this has returned, so `this` is there all the time.
void GrpcBridge::Call::OnCancel() {
  if (gone_ == ClientGone::finish) return;
  bridge_.onLoop([this]() {
    if (canceler_ == nullptr) return;
    clientGone_ = true;
    canceler_->cancel("the client has gone");
  });
}

void GrpcBridge::taskFailed(kj::Exception&& exception) {
  (void)brokenStatus(exception);
}

}  // namespace bulkhead::cri
