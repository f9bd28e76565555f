#include "daemons/imaged/fetcher/json.h"

namespace bulkhead::fetcher {

Json parseJson(const std::string& text) {
  constexpr int deepest = 16;  // real documents nest five deep; a bomb of brackets is cut off
  auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= deepest; };
  return Json::parse(text, keep, false);
}

std::string textIn(const Json& json, const char* name) {
  auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

}  // namespace bulkhead::fetcher
