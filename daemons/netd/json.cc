#include "daemons/netd/json.h"

namespace bulkhead::netd {
namespace {

constexpr int deepest = 64;

// Counts brackets outside of strings, before the parser builds anything.
bool isTooDeep(std::string_view text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\') {
      ++i;
    } else if (c == '"') {
      inString = !inString;
    } else if (!inString && (c == '{' || c == '[')) {
      if (++depth > deepest) return true;
    } else if (!inString && (c == '}' || c == ']')) {
      --depth;
    }
  }
  return false;
}

}  // namespace

Outcome<Json> parseObject(std::string_view text, const std::string& field) {
  if (isTooDeep(text)) return invalid(field, "is nested deeper than " + std::to_string(deepest));
  Json document = Json::parse(text, nullptr, false);
  if (document.is_discarded()) return invalid(field, "is not valid JSON");
  if (!document.is_object()) return invalid(field, "is not a JSON object");
  return document;
}

std::string stringAt(const Json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace bulkhead::netd
