#include <algorithm>
#include <cctype>

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {
namespace {

constexpr size_t idDigits = 64;

bool isPrefix(const std::string& text) {
  return !text.empty() && text.size() < idDigits && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

// Some runtime's id, though none of ours can be: a UUID is what the conformance suite asks for.
bool isSomebodysId(const std::string& text) {
  constexpr size_t longest = 128;
  auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), plain);
}

// The only entry of `all` whose id begins with `prefix`; null if there is none. `all` is ordered by id.
template <typename Id, typename Ref>
Outcome<Ref> findUnique(const std::map<Id, Ref>& all, const std::string& prefix, const char* field) {
  Ref found;
  for (const auto& [id, entry] : all) {
    if (!id.text().starts_with(prefix)) continue;
    // Not notFound: a removal takes that for success.
    if (found) return invalid(field, "is the beginning of more than one id");
    found = entry;
  }
  return found;
}

template <typename Id, typename Ref>
Outcome<Ref> find(const std::map<Id, Ref>& all, const std::string& text, const char* field,
                  const char* what) {
  Ref found;
  if (isPrefix(text)) {
    auto unique = findUnique(all, text, field);
    if (!unique) return unique;
    found = *unique;
  } else {
    auto id = Id::parse(text, field);
    if (!id && isSomebodysId(text)) return refuse(Code::notFound, field, what);
    if (!id) return tl::unexpected(id.error());
    auto entry = all.find(*id);
    if (entry != all.end()) found = entry->second;
  }
  bool known = found && found->record.state() != std::decay_t<decltype(found->record)>::CREATING;
  if (!known) return refuse(Code::notFound, field, what);
  return found;
}

}  // namespace

Outcome<PodRef> findPod(const Frontend& frontend, const std::string& id) {
  return find(frontend.pods.all(), id, "pod_sandbox_id", "no such pod");
}

Outcome<ContainerRef> findContainer(const Frontend& frontend, const std::string& id) {
  return find(frontend.containers.all(), id, "container_id", "no such container");
}

}  // namespace bulkhead::cri
