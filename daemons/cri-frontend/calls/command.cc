#include "daemons/cri-frontend/calls/command.h"

#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/first-refusal.h"
#include "ipc/limits.h"

namespace bulkhead::cri {

Outcome<std::vector<std::string>> commandOf(const Words& words) {
  FirstRefusal no;
  size_t total = 0;
  no.unless(!words.empty() && !words.Get(0).empty(), "cmd", "is empty");
  for (int i = 0; i < words.size(); ++i) {
    no.note(checkArgument(words.Get(i), indexed("cmd", i)));
    total += words.Get(i).size() + 1;
  }
  no.unless(total <= limits::argumentsTotal, "cmd", "is longer than 2 MiB in all");
  if (no) return no.refusal();
  return std::vector<std::string>(words.begin(), words.end());
}

Outcome<ContainerRef> findRunning(const Frontend& frontend, const std::string& id) {
  auto container = findContainer(frontend, id);
  if (container && (*container)->record.state() != record::Container::RUNNING)
    return refuse(Code::failedPrecondition, "container_id", "the container is not running");
  return container;
}

}  // namespace bulkhead::cri
