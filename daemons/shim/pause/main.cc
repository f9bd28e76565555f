// bulkhead-pause: the init of a PID namespace that a pod's containers share. Role, holdings, limits:
// README.md.
#include <poll.h>

#include <charconv>
#include <csignal>
#include <stdexcept>
#include <string_view>

#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"

namespace {

using namespace bulkhead;

// A socket that nobody answers: whoever is connected sees it close when this process ends.
constexpr int inheritedDescriptors = 1;

// --root only names the process for audit.
uid_t uidOf(int argc, char** argv) {
  uid_t uid = 0;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string_view text = argv[i + 1];
    if (std::string_view(argv[i]) == "--uid")
      (void)std::from_chars(text.data(), text.data() + text.size(), uid);
  }
  if (uid == 0) throw std::runtime_error("no uid");
  return uid;
}

int pauseMain(int argc, char** argv) {
  jail::sanitise(inheritedDescriptors);
  uid_t uid = uidOf(argc, argv);
  jail::confine(jail::Process::pause, {.uid = uid, .gid = uid, .paths = {}, .keep = {}, .capabilities = {}});
  // wait(2): the kernel then reaps children itself, adopted ones too.
  if (std::signal(SIGCHLD, SIG_IGN) == SIG_ERR) throw std::runtime_error("signal");
  while (true) (void)::poll(nullptr, 0, -1);
}

}  // namespace

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("pause", pauseMain, argc, argv);
}
