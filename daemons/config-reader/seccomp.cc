#include "daemons/config-reader/seccomp.h"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "daemons/config-reader/settings.h"

namespace bulkhead::config {
namespace {

using Json = nlohmann::json;

constexpr int deepest = 16;  // real profiles nest six deep
constexpr size_t mostRules = 2048;
constexpr size_t mostNames = 16384;  // of all rules
constexpr size_t mostWords = 32;     // of architectures and of flags; libseccomp knows 20 and 5
constexpr size_t longestWord = 64;
constexpr std::uint64_t largestErrno = 4095;  // MAX_ERRNO (kernel, include/linux/err.h)

[[noreturn]] void fail(const std::string& what) {
  throw ConfigError("is no seccomp profile: " + what);
}

bool isWord(const std::string& text) {
  auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !text.empty() && text.size() <= longestWord && std::all_of(text.begin(), text.end(), plain);
}

// Null if it is absent.
const Json* member(const Json& object, const char* name) {
  auto found = object.find(name);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// Empty if it is absent.
const Json& listOf(const Json* list, const char* name, size_t most) {
  static const Json none = Json::array();
  if (list == nullptr) return none;
  if (!list->is_array() || list->size() > most) fail(std::string(name) + " is no list, or too long");
  return *list;
}

std::string wordOf(const Json& json, const char* what) {
  if (!json.is_string() || !isWord(json.get_ref<const std::string&>()))
    fail(std::string(what) + " is no word");
  return json.get<std::string>();
}

std::vector<std::string> wordsIn(const Json& object, const char* name) {
  std::vector<std::string> words;
  for (const Json& each : listOf(member(object, name), name, mostNames)) words.push_back(wordOf(each, name));
  return words;
}

std::uint64_t numberIn(const Json& object, const char* name, std::uint64_t most) {
  const Json* number = member(object, name);
  if (number == nullptr) return 0;
  if (!number->is_number_unsigned() || number->get<std::uint64_t>() > most)
    fail(std::string(name) + " is no number that fits");
  return number->get<std::uint64_t>();
}

// Index of the word that a member has, among those that are taken.
template <size_t N>
std::uint16_t oneOf(const Json& object, const char* name, const std::array<const char*, N>& known) {
  const Json* said = member(object, name);
  if (said == nullptr) fail(std::string(name) + " is missing");
  std::string word = wordOf(*said, name);
  auto found = std::find(known.begin(), known.end(), word);
  if (found == known.end()) fail(word + " is no " + name + " that is taken");
  return static_cast<std::uint16_t>(found - known.begin());
}

// In the schema's order.
constexpr std::array actions{"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                             "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",        "SCMP_ACT_ALLOW",
                             "SCMP_ACT_LOG"};
constexpr std::array comparisons{"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                 "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};

// `archMap` says for one native architecture which others its kernel also speaks.
std::vector<std::string> architecturesOf(const Json& document, const std::string& native) {
  std::vector<std::string> all = wordsIn(document, "architectures");
  const Json* map = member(document, "archMap");
  if (map == nullptr) map = member(document, "archmap");
  for (const Json& entry : listOf(map, "archMap", mostRules)) {
    if (!entry.is_object() || member(entry, "architecture") == nullptr) fail("archMap has no architecture");
    if (wordOf(*member(entry, "architecture"), "architecture") != native) continue;
    all.push_back(native);
    for (std::string& sub : wordsIn(entry, "subArchitectures")) all.push_back(std::move(sub));
  }
  for (const std::string& each : all) {
    if (!each.starts_with("SCMP_ARCH_")) fail(each + " is no architecture");
  }
  if (all.size() > mostWords) fail("it names too many architectures");
  return all;
}

// "4.8": at least that.
bool isReached(const std::string& version, const SeccompConditions& here) {
  unsigned major = 0;
  unsigned minor = 0;
  int end = 0;
  if (std::sscanf(version.c_str(), "%5u.%5u%n", &major, &minor, &end) != 2 || version[end] != '\0')
    fail("minKernel is no version");
  return std::pair(here.kernelMajor, here.kernelMinor) >= std::pair(major, minor);
}

std::optional<std::string> minKernelIn(const Json& conditions) {
  const Json* version = member(conditions, "minKernel");
  if (version == nullptr) return std::nullopt;
  if (!version->is_string() || version->get_ref<const std::string&>().size() > longestWord)
    fail("minKernel is no version");
  return version->get<std::string>();
}

const Json& conditionsIn(const Json& rule, const char* name) {
  static const Json none = Json::object();
  const Json* conditions = member(rule, name);
  if (conditions != nullptr && !conditions->is_object()) fail(std::string(name) + " is no object");
  return conditions == nullptr ? none : *conditions;
}

// All that `includes` names must hold, of architectures one; nothing that `excludes` names may.
bool applies(const Json& rule, const SeccompConditions& here) {
  auto held = [&here](const std::string& name) { return here.capabilities.contains(name); };
  auto ours = [&here](const std::string& name) { return name == here.architecture; };
  const Json& includes = conditionsIn(rule, "includes");
  const Json& excludes = conditionsIn(rule, "excludes");
  auto needed = wordsIn(includes, "caps");
  auto places = wordsIn(includes, "arches");
  if (!std::all_of(needed.begin(), needed.end(), held)) return false;
  if (!places.empty() && std::none_of(places.begin(), places.end(), ours)) return false;
  if (auto version = minKernelIn(includes); version && !isReached(*version, here)) return false;
  auto unwanted = wordsIn(excludes, "caps");
  auto elsewhere = wordsIn(excludes, "arches");
  if (std::any_of(unwanted.begin(), unwanted.end(), held)) return false;
  if (std::any_of(elsewhere.begin(), elsewhere.end(), ours)) return false;
  auto version = minKernelIn(excludes);
  return !version || !isReached(*version, here);
}

void writeArgument(const Json& argument, schema::SeccompProfile::Argument::Builder to) {
  if (!argument.is_object()) fail("args has what is no object");
  constexpr std::uint64_t any = ~std::uint64_t{0};
  constexpr std::uint64_t lastArgument = 5;
  to.setIndex(static_cast<std::uint8_t>(numberIn(argument, "index", lastArgument)));
  to.setValue(numberIn(argument, "value", any));
  to.setSecond(numberIn(argument, "valueTwo", any));
  to.setOperator(static_cast<schema::SeccompProfile::Comparison>(oneOf(argument, "op", comparisons)));
}

void writeDecision(const Json& object, const char* action, const char* error,
                   schema::SeccompProfile::Decision::Builder to) {
  to.setAction(static_cast<schema::SeccompProfile::Action>(oneOf(object, action, actions)));
  to.setErrno(static_cast<std::uint16_t>(numberIn(object, error, largestErrno)));
}

void writeRule(const Json& rule, const std::vector<std::string>& names,
               schema::SeccompProfile::Rule::Builder to) {
  auto list = to.initNames(static_cast<unsigned>(names.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, names[i]);
  writeDecision(rule, "action", "errnoRet", to.initDecision());
  constexpr size_t mostArguments = 12;
  const Json& arguments = listOf(member(rule, "args"), "args", mostArguments);
  auto all = to.initArguments(static_cast<unsigned>(arguments.size()));
  for (unsigned i = 0; i < all.size(); ++i) writeArgument(arguments[i], all[i]);
}

std::vector<std::string> namesOf(const Json& rule) {
  std::vector<std::string> names = wordsIn(rule, "names");
  if (const Json* one = member(rule, "name")) names.push_back(wordOf(*one, "name"));
  if (names.empty()) fail("a rule names no call");
  return names;
}

std::vector<std::string> flagsOf(const Json& document) {
  constexpr std::array<std::string_view, 3> taken{"SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG",
                                                  "SECCOMP_FILTER_FLAG_SPEC_ALLOW"};
  std::vector<std::string> flags = wordsIn(document, "flags");
  if (flags.size() > mostWords) fail("it names too many flags");
  for (const std::string& flag : flags) {
    if (std::find(taken.begin(), taken.end(), flag) == taken.end()) fail(flag + " is no flag that is taken");
  }
  return flags;
}

const char* nativeArchitecture(const std::string& architecture) {
  return architecture == "arm64" ? "SCMP_ARCH_AARCH64" : "SCMP_ARCH_X86_64";
}

}  // namespace

SeccompConditions SeccompConditions::here(std::set<std::string> capabilities) {
  SeccompConditions conditions;
  conditions.capabilities = std::move(capabilities);
#if defined(__aarch64__)
  conditions.architecture = "arm64";
#else
  conditions.architecture = "amd64";
#endif
  struct utsname kernel {};
  if (::uname(&kernel) == 0)
    (void)std::sscanf(kernel.release, "%5u.%5u", &conditions.kernelMajor, &conditions.kernelMinor);
  return conditions;
}

void writeSeccomp(const std::string& text, const SeccompConditions& conditions,
                  schema::SeccompProfile::Builder profile) {
  auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= deepest; };
  Json document = Json::parse(text, keep, false);
  if (!document.is_object()) fail("it is no JSON object");
  if (member(document, "listenerPath") != nullptr) fail("listenerPath is not taken");
  writeDecision(document, "defaultAction", "defaultErrnoRet", profile.initDefault());
  auto fill = [](const std::vector<std::string>& words, capnp::List<capnp::Text>::Builder to) {
    for (unsigned i = 0; i < to.size(); ++i) to.set(i, words[i]);
  };
  auto architectures = architecturesOf(document, nativeArchitecture(conditions.architecture));
  fill(architectures, profile.initArchitectures(static_cast<unsigned>(architectures.size())));
  auto flags = flagsOf(document);
  fill(flags, profile.initFlags(static_cast<unsigned>(flags.size())));

  const Json& calls = listOf(member(document, "syscalls"), "syscalls", mostRules);
  std::vector<std::pair<const Json*, std::vector<std::string>>> rules;
  size_t names = 0;
  for (const Json& rule : calls) {
    if (!rule.is_object()) fail("syscalls has what is no object");
    if (!applies(rule, conditions)) continue;
    rules.emplace_back(&rule, namesOf(rule));
    names += rules.back().second.size();
    if (names > mostNames) fail("it names too many calls");
  }
  auto all = profile.initRules(static_cast<unsigned>(rules.size()));
  for (unsigned i = 0; i < all.size(); ++i) writeRule(*rules[i].first, rules[i].second, all[i]);
}

}  // namespace bulkhead::config
