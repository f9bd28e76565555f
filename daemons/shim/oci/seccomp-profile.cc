#include "daemons/shim/oci/seccomp-profile.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "ipc/convert.h"

namespace bulkhead::oci {
namespace {

using schema::SeccompProfile;

constexpr size_t longestWord = 64;
constexpr unsigned lastArgument = 5;
// In the schema's order.
constexpr std::array actions{"SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD",
                             "SCMP_ACT_TRAP", "SCMP_ACT_ERRNO",        "SCMP_ACT_ALLOW",
                             "SCMP_ACT_LOG"};
constexpr std::array comparisons{"SCMP_CMP_NE", "SCMP_CMP_LT", "SCMP_CMP_LE",       "SCMP_CMP_EQ",
                                 "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_MASKED_EQ"};

bool isWord(capnp::Text::Reader text) {
  auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return text.size() > 0 && text.size() <= longestWord && std::all_of(text.begin(), text.end(), plain);
}

// std::all_of takes no iterator of a list's.
bool all(auto list, auto holds) {
  for (auto each : list) {
    if (!holds(each)) return false;
  }
  return true;
}

bool areWords(capnp::List<capnp::Text>::Reader texts) {
  return all(texts, isWord);
}

std::string actionOf(SeccompProfile::Decision::Reader decision) {
  return actions.at(static_cast<size_t>(decision.getAction()));
}

bool isKnown(SeccompProfile::Decision::Reader decision) {
  return static_cast<size_t>(decision.getAction()) < actions.size();
}

bool isSound(SeccompProfile::Rule::Reader rule) {
  auto sound = [](SeccompProfile::Argument::Reader each) {
    return each.getIndex() <= lastArgument && static_cast<size_t>(each.getOperator()) < comparisons.size();
  };
  return rule.getNames().size() > 0 && areWords(rule.getNames()) && isKnown(rule.getDecision()) &&
         all(rule.getArguments(), sound);
}

std::vector<std::string> textsOf(capnp::List<capnp::Text>::Reader list) {
  std::vector<std::string> texts;
  for (auto text : list) texts.push_back(ipc::toString(text));
  return texts;
}

void writeRule(JsonWriter& json, SeccompProfile::Rule::Reader rule) {
  json.object().member("names", textsOf(rule.getNames()));
  json.member("action", actionOf(rule.getDecision()));
  if (rule.getDecision().getErrno() != 0) json.member("errnoRet", rule.getDecision().getErrno());
  json.key("args").array();
  for (auto argument : rule.getArguments()) {
    json.object().member("index", argument.getIndex());
    json.key("value").unsignedNumber(argument.getValue());
    json.key("valueTwo").unsignedNumber(argument.getSecond());
    json.member("op", comparisons.at(static_cast<size_t>(argument.getOperator()))).end();
  }
  json.end().end();
}

}  // namespace

Outcome<void> checkSeccomp(SeccompProfile::Reader profile, const std::string& field) {
  bool sound = isKnown(profile.getDefault()) && areWords(profile.getArchitectures()) &&
               areWords(profile.getFlags()) && all(profile.getRules(), isSound);
  return sound ? Outcome<void>() : refuse(Code::internal, field, "was read as no profile");
}

void writeSeccomp(JsonWriter& json, SeccompProfile::Reader profile) {
  json.object().member("defaultAction", actionOf(profile.getDefault()));
  if (profile.getDefault().getErrno() != 0) json.member("defaultErrnoRet", profile.getDefault().getErrno());
  json.member("architectures", textsOf(profile.getArchitectures()));
  json.member("flags", textsOf(profile.getFlags()));
  json.key("syscalls").array();
  for (auto rule : profile.getRules()) writeRule(json, rule);
  json.end().end();
}

}  // namespace bulkhead::oci
