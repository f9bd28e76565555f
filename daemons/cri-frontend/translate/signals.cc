#include "daemons/cri-frontend/translate/signals.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <string_view>

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

struct Named {
  std::string_view name;
  uint8_t number;
};
// The names of CRI's enum, most usual one of each number first; real-time signals are computed. Their kernel
// numbers count from 34, as glibc keeps 32 and 33 (signal(7)).
constexpr std::array<Named, 34> named{
    {{"SIGABRT", SIGABRT}, {"SIGALRM", SIGALRM}, {"SIGBUS", SIGBUS},       {"SIGCHLD", SIGCHLD},
     {"SIGCLD", SIGCHLD},  {"SIGCONT", SIGCONT}, {"SIGFPE", SIGFPE},       {"SIGHUP", SIGHUP},
     {"SIGILL", SIGILL},   {"SIGINT", SIGINT},   {"SIGIO", SIGIO},         {"SIGIOT", SIGABRT},
     {"SIGKILL", SIGKILL}, {"SIGPIPE", SIGPIPE}, {"SIGPOLL", SIGIO},       {"SIGPROF", SIGPROF},
     {"SIGPWR", SIGPWR},   {"SIGQUIT", SIGQUIT}, {"SIGSEGV", SIGSEGV},     {"SIGSTKFLT", SIGSTKFLT},
     {"SIGSTOP", SIGSTOP}, {"SIGSYS", SIGSYS},   {"SIGTERM", SIGTERM},     {"SIGTRAP", SIGTRAP},
     {"SIGTSTP", SIGTSTP}, {"SIGTTIN", SIGTTIN}, {"SIGTTOU", SIGTTOU},     {"SIGURG", SIGURG},
     {"SIGUSR1", SIGUSR1}, {"SIGUSR2", SIGUSR2}, {"SIGVTALRM", SIGVTALRM}, {"SIGWINCH", SIGWINCH},
     {"SIGXCPU", SIGXCPU}, {"SIGXFSZ", SIGXFSZ}}};
constexpr int firstRealTime = 34;
constexpr int lastRealTime = 64;
constexpr std::string_view plus = "SIGRTMIN+";
constexpr std::string_view minus = "SIGRTMAX-";

int numberIn(std::string_view text) {
  int value = -1;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

// 0: no such signal.
int parseSignal(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  if (int number = numberIn(text); number >= 1 && number <= lastRealTime) return number;
  if (!text.starts_with("SIG")) text = "SIG" + text;
  for (const Named& signal : named) {
    if (signal.name == text) return signal.number;
  }
  if (text == "SIGRTMIN") return firstRealTime;
  if (text == "SIGRTMAX") return lastRealTime;
  constexpr int most = 15;
  int offset = text.size() > plus.size() ? numberIn(std::string_view(text).substr(plus.size())) : -1;
  if (offset < 1 || offset > most) return 0;
  if (text.starts_with(plus)) return firstRealTime + offset;
  if (text.starts_with(minus)) return lastRealTime - offset;
  return 0;
}

}  // namespace

Outcome<uint8_t> stopSignalOf(v1::Signal asked, const std::string& imageSignal) {
  if (asked < v1::SIGNAL_RUNTIME_DEFAULT || asked > v1::SIGNAL_SIGRTMAX) {
    return invalid("config.stop_signal", "is not a signal");
  }
  if (asked >= v1::SIGNAL_SIGRTMIN) return static_cast<uint8_t>(asked - v1::SIGNAL_SIGRTMIN + firstRealTime);
  if (asked != v1::SIGNAL_RUNTIME_DEFAULT) return named[static_cast<size_t>(asked) - 1].number;
  int fromImage = parseSignal(imageSignal);
  return static_cast<uint8_t>(fromImage == 0 ? SIGTERM : fromImage);
}

v1::Signal toCriSignal(uint32_t number) {
  if (number >= firstRealTime && number <= lastRealTime) {
    return static_cast<v1::Signal>(number - firstRealTime + v1::SIGNAL_SIGRTMIN);
  }
  for (size_t i = 0; i < named.size(); ++i) {
    if (named[i].number == number) return static_cast<v1::Signal>(i + 1);
  }
  return v1::SIGNAL_RUNTIME_DEFAULT;
}

}  // namespace bulkhead::cri
