// Plans: what planners answer, kept for a moment, so that the layers of one image need not each ask anew.
#pragma once

#include <kj/async.h>
#include <kj/timer.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "daemons/common/base/error.h"
#include "daemons/imaged/errand.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::imaged {

// A planner's plan. Its memory is wiped at the end: it may hold keys of certs.d.
class Plan {
 public:
  explicit Plan(schema::Plan::Reader plan);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  // As often as one likes: a received message would count what is read of it.
  [[nodiscard]] schema::Plan::Reader get() { return message_.getRoot<schema::Plan>().asReader(); }

 private:
  capnp::MallocMessageBuilder message_;
};
using SharedPlan = std::shared_ptr<Plan>;

class Plans final : private kj::TaskSet::ErrorHandler {
 public:
  // All outlive this.
  Plans(kj::UnixEventPort& port, kj::Timer& timer, FetchZygote& zygote,
        capnp::List<schema::Registry>::Reader registries);

  // What `reference`, as the user wrote it, means and where it is. Refuses as the planner does
  // (invalidArgument, failedPrecondition), and unavailable if it does not answer in time.
  kj::Promise<Outcome<SharedPlan>> planFor(const std::string& reference);

  // A credential from the auth files for each of `sources`: an answer whose reply isCredentials(), one for
  // each.
  kj::Promise<Outcome<std::shared_ptr<ipc::Packet>>> credentialsFor(
      const std::string& podNamespace, const std::string& image, capnp::List<schema::Source>::Reader sources);

 private:
  using Answer = Outcome<SharedPlan>;
  struct Kept {
    kj::TimePoint end;
    kj::ForkedPromise<Answer> answer;
  };

  kj::Promise<Answer> ask(const std::string& reference);
  kj::Promise<Outcome<std::shared_ptr<ipc::Packet>>> run(kj::Own<Errand> errand);
  void forget();
  void taskFailed(kj::Exception&& exception) override;

  kj::UnixEventPort& port_;
  kj::Timer& timer_;
  FetchZygote& zygote_;
  capnp::List<schema::Registry>::Reader registries_;
  std::map<std::string, Kept> kept_;
  kj::TaskSet expiries_{*this};  // last: it uses the others
};

}  // namespace bulkhead::imaged
