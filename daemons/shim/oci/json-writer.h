// Writes JSON for the OCI runtimes. There is no reader: nothing privileged of ours parses JSON.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bulkhead::oci {

// Well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL, which neither execve(2) nor a
// path takes.
bool isUtf8Text(std::string_view bytes);

// Values in order; commas and nesting are the writer's business. A key comes before every value inside an
// object. Texts must be isUtf8Text; control characters are escaped.
class JsonWriter {
 public:
  JsonWriter& object();
  JsonWriter& array();
  JsonWriter& end();  // of the innermost object or array
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& unsignedNumber(std::uint64_t value);
  JsonWriter& boolean(bool value);

  JsonWriter& member(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& member(std::string_view name, const char* value) { return key(name).text(value); }
  template <std::integral Value>
  JsonWriter& member(std::string_view name, Value value) {
    if constexpr (std::same_as<Value, bool>) {
      return key(name).boolean(value);
    } else {
      return key(name).number(static_cast<std::int64_t>(value));
    }
  }
  JsonWriter& member(std::string_view name, const std::vector<std::string>& texts);

  // The document; every object and array must have been ended.
  [[nodiscard]] const std::string& document() const { return out_; }

 private:
  void separate();
  void quote(std::string_view value);

  std::string out_;
  std::string closers_;  // innermost last
  bool first_ = true;    // nothing yet since the innermost opening, or right after a key
};

}  // namespace bulkhead::oci
