#include "daemons/storaged/policy-watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemons/common/base/error.h"
#include "daemons/common/base/log.h"

namespace bulkhead::storaged {
namespace {

constexpr std::uint32_t entryChanges = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
constexpr std::uint32_t fileChanges = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;
constexpr std::uint32_t ownChanges = IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

PolicyWatch::PolicyWatch(const std::string& policy, const std::string& policies)
    : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!events_) throwErrno("inotify_init1");
  for (const std::string& directory : {policy.substr(0, policy.rfind('/')), policies}) {
    // Every component, down to the directory itself, which has no next one.
    for (size_t end = 0; end != directory.npos;) {
      size_t from = end + 1;
      std::string here = end == 0 ? "/" : directory.substr(0, end);
      end = directory.find('/', from);
      watch(here, directory.substr(from, end - from));
    }
    watch(directory, "");
  }
}

// One that does not exist cannot be watched, and need not: its parent tells when it comes.
void PolicyWatch::watch(const std::string& directory, const std::string& next) {
  std::uint32_t what = ownChanges | entryChanges | (next.empty() ? fileChanges : 0);
  int number =
      ::inotify_add_watch(events_.get(), directory.c_str(), what | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD);
  if (number >= 0) {
    next_[number].insert(next);
  } else if (errno != ENOENT) {
    lose("cannot be watched");
  }
}

void PolicyWatch::lose(const char* why) {
  if (lost_) return;
  lost_ = true;
  log::warning(
      "a directory of signature policies changed or cannot be watched: every check costs a verifier "
      "until the next start",
      {{"why", why}});
}

bool PolicyWatch::changed() {
  constexpr size_t room = 64 * 1024;
  bool any = false;
  alignas(inotify_event) std::array<char, room> buffer;
  while (!lost_) {
    ssize_t length = ::read(events_.get(), buffer.data(), buffer.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) return any;
    if (length <= 0) lose("the watch broke");
    for (ssize_t at = 0; at < length;) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      std::string name = event.len > 0 ? std::string(buffer.data() + at + sizeof event) : std::string();
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & (ownChanges | IN_IGNORED | IN_UNMOUNT)) != 0) lose("it went away");
      const auto& next = next_[event.wd];
      if (!name.empty() && next.contains(name) && (event.mask & entryChanges) != 0) lose("it was replaced");
      // In a directory that is only on the way, other names mean nothing.
      any = any || next.contains("") || (event.mask & IN_Q_OVERFLOW) != 0;
    }
  }
  return true;
}

}  // namespace bulkhead::storaged
