// Settings: several TOML files read over each other, each key checked against a table of what exists. Knows
// nothing of what the keys mean.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace bulkhead::config {

// "bulkhead.toml:12: unknown key 'runtimes.x.pth'". The text is for the administrator.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class Type { boolean, integer, text, texts };

// One key that may be set.
//   "network.config_dir"    key `config_dir` in table [network]
//   "runtimes.NAME.path"    the same key in any table [runtimes.…]
//   "registry[].location"   in each [[registry]]; entries of several files are merged by the list's first key
struct Key {
  std::string_view name;
  Type type;
  std::string_view fallback;  // as TOML; empty: has to be set (tables with NAME or [] only)
  std::string_view description;
};

// A value and where it was set.
class Setting {
 public:
  using Value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>>;
  Setting(std::string name, std::string where, Value value);

  [[nodiscard]] bool flag() const { return std::get<bool>(value_); }
  // Throws ConfigError if it is outside.
  [[nodiscard]] std::int64_t number(std::int64_t least, std::int64_t most) const;
  [[nodiscard]] const std::string& text() const { return std::get<std::string>(value_); }
  [[nodiscard]] const std::vector<std::string>& texts() const {
    return std::get<std::vector<std::string>>(value_);
  }
  // Set by a file, not a fallback.
  [[nodiscard]] bool isSet() const { return !where_.empty(); }
  // "bulkhead.toml:12: 'log_level' WHY".
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string name_;
  std::string where_;
  Value value_;
};

using Entry = std::map<std::string, Setting, std::less<>>;
using Entries = std::map<std::string, Entry, std::less<>>;

class Settings {
 public:
  // Starts with every key's fallback. `keys` must outlive this.
  explicit Settings(std::span<const Key> keys);

  // Reads `text` over what is there: later files win key by key. Throws ConfigError, naming `file` and the
  // line.
  void read(const std::string& file, const std::string& text);

  // A key that is not in a table with NAME or []. Throws std::logic_error if there is none by that name.
  [[nodiscard]] const Setting& at(std::string_view key) const;
  // The tables beneath "runtimes" by name, or the entries of "registry" by their first key.
  [[nodiscard]] const Entries& entries(std::string_view group) const;

 private:
  class FileReader;

  std::span<const Key> keys_;
  Entry values_;
  std::map<std::string, Entries, std::less<>> groups_;
};

}  // namespace bulkhead::config
