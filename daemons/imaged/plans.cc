#include "daemons/imaged/plans.h"

#include "daemons/common/base/log.h"
#include "daemons/imaged/wipe.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::imaged {
namespace {

// Short enough that a changed file counts at once for whoever changed it; the layers of one image come
// within.
constexpr auto freshness = 1 * kj::SECONDS;
// A planner reads local files.
constexpr auto patience = 30 * kj::SECONDS;
constexpr size_t mostKept = 64;

Refusal noAnswer() {
  return {Code::unavailable, "", "the registries' configuration cannot be read in time"};
}

// Everything is there that the rest of us takes for granted.
bool isWhole(schema::PlanReply::Reader reply) {
  return reply.isPlan() && reply.getPlan().getCandidates().size() > 0;
}

}  // namespace

Plan::Plan(schema::Plan::Reader plan) {
  message_.setRoot(plan);
  for (auto candidate : plan.getCandidates()) {
    for (auto source : candidate.getSources()) wipe(source.getKey());
  }
}

Plan::~Plan() {
  wipe(message_);
}

Plans::Plans(kj::UnixEventPort& port, kj::Timer& timer, FetchZygote& zygote,
             capnp::List<schema::Registry>::Reader registries)
    : port_(port), timer_(timer), zygote_(zygote), registries_(registries) {}

kj::Promise<Outcome<SharedPlan>> Plans::planFor(const std::string& reference) {
  forget();
  auto found = kept_.find(reference);
  if (found == kept_.end()) {
    Kept kept{timer_.now() + freshness, ask(reference).fork()};
    found = kept_.emplace(reference, kj::mv(kept)).first;
    expiries_.add(timer_.afterDelay(freshness).then([this] { forget(); }));
  }
  return found->second.answer.addBranch();
}

void Plans::taskFailed(kj::Exception&& exception) {
  log::error("plans do not expire", {{"error", exception.getDescription().cStr()}});
}

void Plans::forget() {
  if (kept_.size() >= mostKept) kept_.clear();
  std::erase_if(kept_, [now = timer_.now()](const auto& entry) { return entry.second.end <= now; });
}

kj::Promise<Plans::Answer> Plans::ask(const std::string& reference) {
  auto errand = kj::heap<Errand>(port_, zygote_, schema::Spawn::Kind::PLANNER);
  auto wanted = errand->init<schema::PlanRequest>().initPlan();
  wanted.setReference(reference);
  wanted.setRegistries(registries_);
  return run(kj::mv(errand)).then([](Outcome<std::shared_ptr<ipc::Packet>>&& packet) -> Answer {
    if (!packet) return tl::unexpected<Refusal>(packet.error());
    auto reply = (*packet)->as<schema::PlanReply>();
    if (!isWhole(reply)) throw std::runtime_error("a planner sent no plan");
    return std::make_shared<Plan>(reply.getPlan());
  });
}

kj::Promise<Outcome<std::shared_ptr<ipc::Packet>>> Plans::credentialsFor(
    const std::string& podNamespace, const std::string& image, capnp::List<schema::Source>::Reader sources) {
  auto errand = kj::heap<Errand>(port_, zygote_, schema::Spawn::Kind::PLANNER);
  auto lookup = errand->init<schema::PlanRequest>().initCredentials();
  lookup.setNamespace(podNamespace);
  lookup.setImage(image);
  auto places = lookup.initPlaces(sources.size());
  for (unsigned i = 0; i < sources.size(); ++i)
    places.set(i, kj::str(sources[i].getHost(), "/", sources[i].getRepository()));
  return run(kj::mv(errand)).then([count = sources.size()](Outcome<std::shared_ptr<ipc::Packet>>&& packet) {
    bool whole = !packet || ((*packet)->as<schema::PlanReply>().isCredentials() &&
                             (*packet)->as<schema::PlanReply>().getCredentials().size() == count);
    if (!whole) throw std::runtime_error("a planner sent no credentials");
    return kj::mv(packet);
  });
}

kj::Promise<Outcome<std::shared_ptr<ipc::Packet>>> Plans::run(kj::Own<Errand> errand) {
  using Reply = Outcome<std::shared_ptr<ipc::Packet>>;
  auto reply = errand->run().attach(kj::mv(errand));
  auto answered = reply.then([](ipc::Packet&& packet) -> Reply {
    auto owned = std::make_shared<ipc::Packet>(std::move(packet));
    auto read = owned->as<schema::PlanReply>();
    if (read.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(read.getRefused()));
    return owned;
  });
  auto late = timer_.afterDelay(patience).then([]() -> Reply { return tl::unexpected<Refusal>(noAnswer()); });
  return answered.exclusiveJoin(kj::mv(late)).catch_([](kj::Exception&& e) -> kj::Promise<Reply> {
    if (e.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(e);
    return Reply(tl::unexpected<Refusal>({Code::internal, "", "the planner ended without an answer"}));
  });
}

}  // namespace bulkhead::imaged
