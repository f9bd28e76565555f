#include "daemons/storaged/user-lookup.h"

#include <capnp/message.h>

#include "daemons/common/base/log.h"
#include "daemons/common/base/user-spec.h"
#include "daemons/storaged/worker-answer.h"
#include "ipc/convert.h"

namespace bulkhead::storaged {
namespace {

using Found = Outcome<FoundUser>;

// A worker has a cpu limit of five seconds; one that waits for a disk may take longer.
constexpr auto lookupLimit = 15 * kj::SECONDS;
constexpr size_t mostKnown = 4096;
constexpr unsigned mostGroups = 1024;

// The worker has read the image's files, and says what it likes: but a number is itself.
bool agrees(const std::optional<AccountName>& asked, std::uint32_t answered) {
  const auto* number = asked ? std::get_if<std::uint32_t>(&*asked) : nullptr;
  return answered != UINT32_MAX && (number == nullptr || *number == answered);
}

Found read(const UserSpec& spec, schema::User::Reader from) {
  FoundUser user{from.getUid(), from.getGid(), {}};
  bool sound =
      agrees(spec.user, user.uid) && agrees(spec.group, user.gid) && from.getGroups().size() <= mostGroups;
  for (std::uint32_t group : from.getGroups()) {
    sound = sound && group != UINT32_MAX;
    user.groups.push_back(group);
  }
  if (sound) return user;
  log::warning("a lookup worker answered nonsense");
  return refuse(Code::internal, "", "a storage worker ended without an answer");
}

}  // namespace

kj::Promise<Found> UserLookup::find(UserQuestion question) {
  if (auto known = known_.find(question); known != known_.end()) return Found(known->second);
  auto spec = UserSpec::parse(question.user, "user");
  if (!spec) return Found(tl::unexpected(spec.error()));
  if (!parts_.index.image(question.image))
    return Found(refuse(Code::notFound, "imageId", "is not the id of a stored image"));
  auto layers = parts_.index.layersOf(question.image);
  if (!layers) return Found(refuse(Code::failedPrecondition, "image", "has lost a layer; pull it again"));
  parts_.garbage.hold(*layers);
  auto release = kj::defer([this, held = *layers]() { parts_.garbage.release(held); });
  auto answered = turns_.take()
                      .then([this, question, held = *layers](Turnstile::Place&& turn) {
                        return ask(question, held).attach(kj::mv(turn));
                      })
                      .attach(kj::mv(release));
  return answered.then([this, question](Found&& found) {
    remember(question, found);
    return std::move(found);
  });
}

void UserLookup::remember(const UserQuestion& question, const Found& found) {
  // Removed meanwhile: then its layers were still held.
  if (!parts_.index.image(question.image)) parts_.garbage.collect();
  if (known_.size() >= mostKnown) known_.clear();
  if (found) known_.emplace(question, *found);
}

kj::Promise<Found> UserLookup::ask(const UserQuestion& question, const std::vector<LayerName>& layers) {
  Worker worker = parts_.zygote.lookup(layers);
  capnp::MallocMessageBuilder message;
  auto input = message.initRoot<schema::LookupInput>();
  input.setUser(question.user);
  input.setMemberships(question.memberships);
  // A few hundred bytes into an empty pipe: it does not wait. A worker that is gone is seen below.
  (void)ipc::writeMessage(worker.pipes.input.get(), message);
  worker.pipes.input.reset();
  auto answer = awaitAnswer(parts_.offLoop, parts_.timer, std::move(worker), Answer::LOOKED_UP, lookupLimit);
  return answer.then([spec = UserSpec::parse(question.user, "user").value()](Outcome<ipc::Packet>&& packet) {
    if (!packet) return Found(tl::unexpected(packet.error()));
    return read(spec, packet->as<schema::WorkerResult>().getLookedUp());
  });
}

}  // namespace bulkhead::storaged
