#include "daemons/cri-frontend/event-hub.h"

#include "daemons/common/base/log.h"
#include "daemons/cri-frontend/calls/answers.h"
#include "daemons/cri-frontend/clock.h"

namespace bulkhead::cri {
namespace {

v1::ContainerEventType typeOf(Change change) {
  switch (change) {
    case Change::created:
      return v1::CONTAINER_CREATED_EVENT;
    case Change::started:
      return v1::CONTAINER_STARTED_EVENT;
    case Change::stopped:
      return v1::CONTAINER_STOPPED_EVENT;
    case Change::deleted:
      break;
  }
  return v1::CONTAINER_DELETED_EVENT;
}

}  // namespace

class EventHub::Listener final : public Source<Event> {
 public:
  using Listening = std::shared_ptr<std::set<Listener*>>;
  explicit Listener(Listening all) : all_(std::move(all)) { all_->insert(this); }
  ~Listener() override { all_->erase(this); }

  void add(const std::shared_ptr<const Event>& event, size_t bytes) {
    if (lost_) return;
    lost_ = queue_.size() == waitingEvents || bytes_ + bytes > waitingBytes;
    if (lost_) {
      queue_.clear();
    } else {
      queue_.push_back({event, bytes});
      bytes_ += bytes;
    }
    if (waiting_) (*waiting_)->fulfill();
    waiting_.reset();
  }

  Answer<std::optional<Event>> next() override {
    if (lost_)
      return refused<std::optional<Event>>(
          {Code::resourceExhausted, "",
           "events were lost because they were not read: list, and listen again"});
    if (!queue_.empty()) return take();
    auto more = kj::newPromiseAndFulfiller<void>();
    waiting_ = kj::mv(more.fulfiller);
    return more.promise.then([this]() { return next(); });
  }

 private:
  struct Entry {
    std::shared_ptr<const Event> event;  // shared by all listeners
    size_t bytes;
  };

  Outcome<std::optional<Event>> take() {
    Entry first = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= first.bytes;
    return std::optional<Event>(*first.event);
  }

  Listening all_;
  std::deque<Entry> queue_;
  size_t bytes_ = 0;
  bool lost_ = false;
  std::optional<kj::Own<kj::PromiseFulfiller<void>>> waiting_;
};

EventHub::EventHub(PodTable& pods, ContainerTable& containers)
    : pods_(pods), containers_(containers), listening_(std::make_shared<std::set<Listener*>>()) {
  // As the peers do, a pod's own events bear its id.
  pods.listen([this](const Pod& pod, Change change) { tell(&pod, pod.id.text(), change); });
  containers.listen([this](const Container& container, Change change) {
    tell(pods_.find(container.podId).get(), container.id.text(), change);
  });
}

void EventHub::tell(const Pod* pod, const std::string& id, Change change) {
  if (listening_->empty()) return;
  auto event = std::make_shared<Event>();
  event->set_container_id(id);
  event->set_container_event_type(typeOf(change));
  event->set_created_at(nowNanoseconds());
  if (pod != nullptr) {
    *event->mutable_pod_sandbox_status() = podStatusOf(*pod);
    for (const auto& container : containers_.ofPod(pod->id)) {
      if (container->record.state() != record::Container::CREATING)
        *event->add_containers_statuses() = containerStatusOf(*container);
    }
  }
  size_t bytes = event->ByteSizeLong();
  for (auto* listener : *listening_) listener->add(event, bytes);
}

Outcome<kj::Own<Source<EventHub::Event>>> EventHub::listen() {
  if (listening_->size() >= listeners)
    return refuse(Code::resourceExhausted, "", "too many clients listen for events");
  kj::Own<Source<Event>> listener = kj::heap<Listener>(listening_);
  return kj::mv(listener);
}

}  // namespace bulkhead::cri
