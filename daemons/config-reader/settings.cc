#include "daemons/config-reader/settings.h"

#include <algorithm>
#include <sstream>
#include <toml.hpp>

namespace bulkhead::config {
namespace {

// std::map: keys are visited in the same order each time, so the first error is always the same one.
using Toml = toml::basic_value<toml::discard_comments, std::map, std::vector>;

std::string_view typeName(Type type) {
  switch (type) {
    case Type::boolean:
      return "true or false";
    case Type::integer:
      return "a number";
    case Type::text:
      return "a string";
    case Type::texts:
      break;
  }
  return "a list of strings";
}

bool isTexts(const Toml& value) {
  if (!value.is_array()) return false;
  const auto& items = value.as_array();
  return std::all_of(items.begin(), items.end(), [](const Toml& item) { return item.is_string(); });
}

bool fits(const Toml& value, Type type) {
  switch (type) {
    case Type::boolean:
      return value.is_boolean();
    case Type::integer:
      return value.is_integer();
    case Type::text:
      return value.is_string();
    case Type::texts:
      break;
  }
  return isTexts(value);
}

Setting::Value convert(const Toml& value, Type type) {
  switch (type) {
    case Type::boolean:
      return value.as_boolean();
    case Type::integer:
      return value.as_integer();
    case Type::text:
      return value.as_string().str;
    case Type::texts:
      break;
  }
  std::vector<std::string> texts;
  for (const Toml& item : value.as_array()) texts.push_back(item.as_string().str);
  return texts;
}

std::string inQuotes(std::string_view path) {
  return "'" + std::string(path) + "'";
}

std::string dotted(const std::string& table, std::string_view field) {
  return table + "." + std::string(field);
}

std::string place(const std::string& file, std::uint_least32_t line) {
  return file + ":" + std::to_string(line);
}

// toml11 draws the line with arrows beneath; its first line says what is wrong.
std::string firstLine(std::string_view text) {
  constexpr std::string_view label = "[error] ";
  if (text.starts_with(label)) text.remove_prefix(label.size());
  return std::string(text.substr(0, text.find('\n')));
}

Toml parseToml(const std::string& file, const std::string& text) {
  std::istringstream stream(text);
  try {
    return toml::parse<toml::discard_comments, std::map, std::vector>(stream, file);
  } catch (const toml::exception& error) {
    throw ConfigError(place(file, error.location().line()) + ": " + firstLine(error.what()));
  } catch (const std::exception& error) {
    throw ConfigError(file + ": " + firstLine(error.what()));
  }
}

Setting fallbackOf(const Key& key, const std::string& name) {
  Toml document = parseToml("fallback", "value = " + std::string(key.fallback) + "\n");
  return {name, "", convert(document.as_table().at("value"), key.type)};
}

// "runtimes" for "runtimes.NAME.path", "registry" for "registry[].prefix", empty for plain keys.
std::string_view groupOf(const Key& key) {
  size_t at = key.name.find(".NAME.");
  if (at == std::string_view::npos) at = key.name.find("[].");
  return at == std::string_view::npos ? std::string_view() : key.name.substr(0, at);
}

std::string_view fieldOf(const Key& key) {
  return key.name.substr(key.name.rfind('.') + 1);
}

bool isList(const Key& key) {
  return key.name.find("[].") != std::string_view::npos;
}

}  // namespace

Setting::Setting(std::string name, std::string where, Value value)
    : name_(std::move(name)), where_(std::move(where)), value_(std::move(value)) {}

void Setting::refuse(const std::string& why) const {
  throw ConfigError((where_.empty() ? "default" : where_) + ": '" + name_ + "' " + why);
}

std::int64_t Setting::number(std::int64_t least, std::int64_t most) const {
  std::int64_t value = std::get<std::int64_t>(value_);
  if (value < least || value > most)
    refuse("must be from " + std::to_string(least) + " to " + std::to_string(most));
  return value;
}

Settings::Settings(std::span<const Key> keys) : keys_(keys) {
  for (const Key& key : keys_) {
    if (groupOf(key).empty()) {
      values_.insert_or_assign(std::string(key.name), fallbackOf(key, std::string(key.name)));
    } else {
      groups_.try_emplace(std::string(groupOf(key)));
    }
  }
}

const Setting& Settings::at(std::string_view key) const {
  auto found = values_.find(key);
  if (found == values_.end()) throw std::logic_error("no key by the name " + std::string(key));
  return found->second;
}

const Entries& Settings::entries(std::string_view group) const {
  auto found = groups_.find(group);
  if (found == groups_.end()) throw std::logic_error("no group by the name " + std::string(group));
  return found->second;
}

// Walks one file.
class Settings::FileReader {
 public:
  FileReader(Settings& settings, const std::string& file) : settings_(settings), file_(file) {}

  void readTable(const Toml& table, const std::string& prefix) {
    for (const auto& [name, value] : table.as_table()) {
      std::string path = prefix + name;
      if (const Key* key = plainKey(path)) {
        settings_.values_.insert_or_assign(path, settingOf(path, value, *key));
      } else if (settings_.groups_.count(path) != 0) {
        readGroup(path, value);
      } else if (isTableOfKeys(path)) {
        requireTable(path, value);
        readTable(value, path + ".");
      } else {
        refuse(value, "unknown key " + inQuotes(path));
      }
    }
  }

 private:
  [[noreturn]] void refuse(const Toml& value, const std::string& why) const {
    throw ConfigError(place(file_, value.location().line()) + ": " + why);
  }

  void requireTable(const std::string& path, const Toml& value) const {
    if (!value.is_table()) refuse(value, inQuotes(path) + " must be a table");
  }

  const Key* plainKey(std::string_view path) const {
    for (const Key& key : settings_.keys_) {
      if (key.name == path && groupOf(key).empty()) return &key;
    }
    return nullptr;
  }

  const Key* groupKey(std::string_view group, std::string_view field) const {
    for (const Key& key : settings_.keys_) {
      if (groupOf(key) == group && fieldOf(key) == field) return &key;
    }
    return nullptr;
  }

  const Key& firstKeyOf(std::string_view group) const {
    auto found = std::find_if(settings_.keys_.begin(), settings_.keys_.end(),
                              [group](const Key& key) { return groupOf(key) == group; });
    return *found;  // groups_ holds only groups that a key names
  }

  bool isTableOfKeys(const std::string& path) const {
    return std::any_of(settings_.keys_.begin(), settings_.keys_.end(),
                       [&path](const Key& key) { return key.name.starts_with(path + "."); });
  }

  Setting settingOf(const std::string& path, const Toml& value, const Key& key) const {
    if (!fits(value, key.type)) refuse(value, inQuotes(path) + " must be " + std::string(typeName(key.type)));
    return {path, place(file_, value.location().line()), convert(value, key.type)};
  }

  void readGroup(const std::string& group, const Toml& value) {
    if (isList(firstKeyOf(group))) return readList(group, value);
    requireTable(group, value);
    for (const auto& [name, table] : value.as_table()) {
      std::string path = dotted(group, name);
      requireTable(path, table);
      readEntry(group, name, path, table);
    }
  }

  void readList(const std::string& group, const Toml& value) {
    if (!value.is_array()) refuse(value, "'" + group + "' must be written [[" + group + "]]");
    std::string_view identity = fieldOf(firstKeyOf(group));
    std::set<std::string> seen;
    for (const Toml& item : value.as_array()) {
      requireTable(group, item);
      auto found = item.as_table().find(std::string(identity));
      std::string path = dotted(group, identity);
      if (found == item.as_table().end()) refuse(item, inQuotes(path) + " is missing");
      if (!found->second.is_string()) refuse(found->second, inQuotes(path) + " must be a string");
      const std::string& name = found->second.as_string().str;
      if (!seen.insert(name).second)
        refuse(found->second, inQuotes(path) + " \"" + name + "\" is there twice");
      readEntry(group, name, group, item);
    }
  }

  void readEntry(const std::string& group, const std::string& name, const std::string& path,
                 const Toml& table) {
    auto [entry, isNew] = settings_.groups_.at(group).try_emplace(name);
    for (const auto& [field, value] : table.as_table()) {
      const Key* key = groupKey(group, field);
      if (key == nullptr) refuse(value, "unknown key " + inQuotes(dotted(path, field)));
      entry->second.insert_or_assign(field, settingOf(dotted(path, field), value, *key));
    }
    if (isNew) addFallbacks(group, path, table, entry->second);
  }

  void addFallbacks(const std::string& group, const std::string& path, const Toml& table,
                    Entry& entry) const {
    for (const Key& key : settings_.keys_) {
      std::string field(fieldOf(key));
      if (groupOf(key) != group || entry.count(field) != 0) continue;
      if (key.fallback.empty()) refuse(table, inQuotes(dotted(path, field)) + " is missing");
      entry.insert_or_assign(field, fallbackOf(key, dotted(path, field)));
    }
  }

  Settings& settings_;
  const std::string& file_;
};

void Settings::read(const std::string& file, const std::string& text) {
  Toml document = parseToml(file, text);
  FileReader(*this, file).readTable(document, "");
}

}  // namespace bulkhead::config
