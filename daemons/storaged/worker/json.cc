#include "daemons/storaged/worker/json.h"

#include <set>
#include <vector>

#include "daemons/common/base/log.h"

namespace bulkhead::worker {
namespace {

using nlohmann::json;

constexpr int deepest = 32;
constexpr size_t shownBytes = 64;

// Thrown out of nlohmann's callback, which has no other way to stop.
struct Ambiguous {
  std::string reason;
};

// Sees the parser's events; the library itself would let the last of two equal keys win.
class Watch {
 public:
  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    if (depth > deepest) throw Ambiguous{"is nested too deeply"};
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end) keys_.pop_back();
    if (event == json::parse_event_t::key && !keys_.back().insert(parsed.get<std::string>()).second) {
      throw Ambiguous{"has the key '" + log::printable(parsed.get<std::string>(), shownBytes) + "' twice"};
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> keys_;
};

std::string pathOf(const std::string& path, const char* key) {
  return path + "." + key;
}

Outcome<std::string> textOf(const json& value, const std::string& field) {
  if (!value.is_string()) return invalid(field, "is not a text");
  auto text = value.get<std::string>();
  if (text.find('\0') != text.npos) return invalid(field, "has a NUL in it");
  return text;
}

}  // namespace

Outcome<json> parseObject(std::string_view text, const std::string& document) {
  try {
    Watch watch;
    // By reference: the library copies its callback, and the keys with it.
    json parsed = json::parse(text, [&watch](int depth, json::parse_event_t event, json& value) {
      return watch(depth, event, value);
    });
    if (!parsed.is_object()) return invalid(document, "is not a JSON object");
    return parsed;
  } catch (const Ambiguous& ambiguous) {
    return invalid(document, ambiguous.reason);
  } catch (const json::parse_error& error) {
    return invalid(document, "is not JSON, at byte " + std::to_string(error.byte));
  } catch (const json::exception&) {
    return invalid(document, "has a number out of range");
  }
}

const json* find(const json& object, const char* key) {
  auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

Outcome<std::string> textAt(const json& object, const char* key, const std::string& path) {
  const json* value = find(object, key);
  return value == nullptr ? std::string() : textOf(*value, pathOf(path, key));
}

Outcome<std::uint64_t> numberAt(const json& object, const char* key, const std::string& path) {
  const json* value = find(object, key);
  if (value == nullptr || !value->is_number_unsigned())
    return invalid(pathOf(path, key), "is not a whole number");
  return value->get<std::uint64_t>();
}

Outcome<const json*> objectAt(const json& object, const char* key, const std::string& path) {
  const json* value = find(object, key);
  if (value == nullptr || !value->is_object()) return invalid(pathOf(path, key), "is not an object");
  return value;
}

Outcome<const json*> arrayAt(const json& object, const char* key, const std::string& path) {
  const json* value = find(object, key);
  if (value == nullptr || !value->is_array()) return invalid(pathOf(path, key), "is not a list");
  return value;
}

Outcome<std::vector<std::string>> textsAt(const json& object, const char* key, const std::string& path) {
  std::vector<std::string> texts;
  if (find(object, key) == nullptr) return texts;
  auto list = arrayAt(object, key, path);
  if (!list) return tl::unexpected(list.error());
  for (const json& item : **list) {
    auto text = textOf(item, pathOf(path, key) + "[" + std::to_string(texts.size()) + "]");
    if (!text) return tl::unexpected(text.error());
    texts.push_back(std::move(*text));
  }
  return texts;
}

}  // namespace bulkhead::worker
