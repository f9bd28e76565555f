// FetcherCall: one fetcher for one candidate of a plan: with its sources, the credentials that the auth files
// have for them, and tokens of earlier fetchers.
#pragma once

#include <kj/timer.h>

#include <vector>

#include "daemons/imaged/errand.h"
#include "daemons/imaged/plans.h"
#include "daemons/imaged/token-cache.h"
#include "daemons/imaged/turns.h"
#include "ipc/schema/image.capnp.h"

namespace bulkhead::imaged {

// What all operations share. Outlives them.
struct Desk {
  kj::UnixEventPort& port;
  FetchZygote& zygote;
  Plans& plans;
  TokenCache& tokens;
  Turns& blobs;
  bool hasAuthFiles;                // the configuration names some
  schema::Proxies::Reader proxies;  // to be used, wherever they were configured
};

// Who asks, copied out of a call. The credential is wiped as soon as nobody is left to have it.
class Order {
 public:
  Order(std::string image, schema::Auth::Reader auth, std::string ofNamespace);
  ~Order();
  Order(const Order&) = delete;
  Order& operator=(const Order&) = delete;

  const std::string reference;  // as the user wrote it
  const std::string podNamespace;
  void forgetCredential();
  [[nodiscard]] schema::Auth::Reader auth() { return message_.getRoot<schema::Auth>().asReader(); }

 private:
  capnp::MallocMessageBuilder message_;
};

class FetcherCall {
 public:
  // Candidate number `index` of `plan`. The order outlives this.
  FetcherCall(Desk& desk, SharedPlan plan, unsigned index, Order& order);

  // To say what is wanted, before run().
  schema::FetchRequest::Builder request() { return request_; }
  void setSink(Fd sink) { errand_.setSink(std::move(sink)); }

  // Its FetchReply, or why there was nobody to ask. Rejects DISCONNECTED if the fetcher died without one.
  // Keep this object while the promise lives.
  kj::Promise<Outcome<ipc::Packet>> run();

 private:
  using Found = Outcome<std::shared_ptr<ipc::Packet>>;  // a planner's credentials; null: none were looked for

  kj::Promise<Found> lookUp();
  void fill(const std::shared_ptr<ipc::Packet>& credentials);
  void keepTokens(schema::FetchReply::Reader reply);
  [[nodiscard]] schema::Plan::Candidate::Reader candidate() const {
    return plan_->get().getCandidates()[index_];
  }

  Desk& desk_;
  SharedPlan plan_;
  unsigned index_;
  Order& order_;
  Errand errand_;
  schema::FetchRequest::Builder request_;
  std::vector<TokenCache::Key> keys_;  // one per source
};

}  // namespace bulkhead::imaged
