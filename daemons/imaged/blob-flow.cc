#include "daemons/imaged/blob-flow.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "daemons/imaged/answers.h"

namespace bulkhead::imaged {
namespace {

bool isPipeForWriting(const Fd& fd) {
  struct stat info {};
  return fd && ::fstat(fd.get(), &info) == 0 && S_ISFIFO(info.st_mode) &&
         (::fcntl(fd.get(), F_GETFL) & O_ACCMODE) == O_WRONLY;
}

}  // namespace

BlobFlow::BlobFlow(Desk& desk, Context context, kj::Own<Order> order, Digest digest, uint64_t size)
    : desk_(desk), context_(context), order_(kj::mv(order)), digest_(std::move(digest)), size_(size) {}

kj::Promise<void> BlobFlow::run(kj::Promise<Fd> sink) {
  return sink.then([this](Fd&& pipe) -> kj::Promise<void> {
    if (!isPipeForWriting(pipe))
      refuseCall(context_, {Code::invalidArgument, "sink", "is no pipe to write to"});
    if (!isPipeForWriting(pipe)) return kj::READY_NOW;
    sink_ = std::move(pipe);
    return plan();
  });
}

kj::Promise<void> BlobFlow::plan() {
  auto turn = desk_.blobs.take().then([this](kj::Own<Turns::Turn>&& mine) { turn_ = kj::mv(mine); });
  auto planned = turn.then([this] { return desk_.plans.planFor(order_->reference); });
  return planned.then([this](Outcome<SharedPlan>&& plan) -> kj::Promise<void> {
    if (!plan) refuseCall(context_, plan.error());
    if (!plan) return kj::READY_NOW;
    return transfer(std::move(*plan));
  });
}

// `resolve` has answered with a full name: it is its only meaning.
kj::Promise<void> BlobFlow::transfer(SharedPlan plan) {
  auto candidate = plan->get().getCandidates()[0];
  if (candidate.getSources().size() == 0) {
    refuseCall(context_, {Code::permissionDenied, "image", ipc::toString(candidate.getBlocked())});
    return kj::READY_NOW;
  }
  call_ = kj::heap<FetcherCall>(desk_, std::move(plan), 0, *order_);
  auto blob = call_->request().initBlob();
  blob.setDigest(digest_.text());
  blob.setSize(size_);
  call_->setSink(std::move(sink_));
  return call_->run().then([this](Outcome<ipc::Packet>&& reply) { settle(kj::mv(reply)); });
}

void BlobFlow::settle(Outcome<ipc::Packet> reply) {
  if (!reply) return refuseCall(context_, reply.error());
  auto read = reply->as<schema::FetchReply>();
  if (read.isRefused()) return refuseCall(context_, claimed(read.getRefused()));
  if (!read.isFetched())
    return refuseCall(context_, {Code::internal, "", "the fetcher answered with something else"});
  context_.getResults().initResult().initOk().setBytes(read.getFetched().getBytes());
}

}  // namespace bulkhead::imaged
