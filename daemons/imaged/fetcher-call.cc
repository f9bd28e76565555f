#include "daemons/imaged/fetcher-call.h"

#include "daemons/common/base/image-ref.h"
#include "daemons/imaged/wipe.h"
#include "ipc/convert.h"

namespace bulkhead::imaged {
namespace {

// Field by field: a copy of the whole struct would take pointers along that no version of ours knows.
void copy(schema::Auth::Reader from, schema::Auth::Builder to) {
  to.setUsername(from.getUsername());
  to.setPassword(from.getPassword());
  to.setAuth(from.getAuth());
  to.setServerAddress(from.getServerAddress());
  to.setIdentityToken(from.getIdentityToken());
  to.setRegistryToken(from.getRegistryToken());
}

}  // namespace

Order::Order(std::string image, schema::Auth::Reader auth, std::string ofNamespace)
    : reference(std::move(image)), podNamespace(std::move(ofNamespace)) {
  copy(auth, message_.initRoot<schema::Auth>());
}

Order::~Order() {
  wipe(message_);
}

void Order::forgetCredential() {
  wipe(auth());
}

FetcherCall::FetcherCall(Desk& desk, SharedPlan plan, unsigned index, Order& order)
    : desk_(desk),
      plan_(std::move(plan)),
      index_(index),
      order_(order),
      errand_(desk.port, desk.zygote, schema::Spawn::Kind::FETCHER),
      request_(errand_.init<schema::FetchRequest>()) {}

kj::Promise<Outcome<ipc::Packet>> FetcherCall::run() {
  return lookUp().then([this](Found&& found) -> kj::Promise<Outcome<ipc::Packet>> {
    if (!found) return Outcome<ipc::Packet>(tl::unexpected<Refusal>(found.error()));
    fill(*found);
    return errand_.run().then([this](ipc::Packet&& packet) -> Outcome<ipc::Packet> {
      keepTokens(packet.as<schema::FetchReply>());
      return kj::mv(packet);
    });
  });
}

kj::Promise<FetcherCall::Found> FetcherCall::lookUp() {
  if (!desk_.hasAuthFiles) return Found(nullptr);
  // The planner wrote it.
  auto reference = ImageReference::parse(ipc::toString(candidate().getReference()), "image");
  if (!reference) return Found(tl::unexpected<Refusal>(reference.error()));
  return desk_.plans.credentialsFor(order_.podNamespace, reference->name(), candidate().getSources());
}

void FetcherCall::fill(const std::shared_ptr<ipc::Packet>& credentials) {
  request_.setReference(candidate().getReference());
  copy(order_.auth(), request_.initAuth());
  request_.setPlaces(plan_->get().getPlaces());
  request_.setProxies(desk_.proxies);
  auto sources = candidate().getSources();
  auto list = request_.initSources(sources.size());
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setSource(sources[i]);
    auto credential = list[i].initCredential();
    if (credentials) copy(credentials->as<schema::PlanReply>().getCredentials()[i], credential);
    keys_.push_back(desk_.tokens.keyOf(sources[i], order_.auth(), credential.asReader()));
    list[i].setToken(desk_.tokens.find(keys_.back()));
  }
  bool last = index_ + 1 == plan_->get().getCandidates().size();
  if (last) order_.forgetCredential();
  if (!credentials) return;
  for (auto credential : credentials->as<schema::PlanReply>().getCredentials()) wipe(credential);
}

void FetcherCall::keepTokens(schema::FetchReply::Reader reply) {
  for (auto issued : reply.getTokens()) {
    if (issued.getSource() < keys_.size())
      desk_.tokens.keep(keys_[issued.getSource()], issued.getToken(), issued.getSeconds());
    wipe(issued.getToken());
  }
}

}  // namespace bulkhead::imaged
