#include "daemons/netd/cni-result.h"

#include <algorithm>

#include "daemons/common/base/address.h"
#include "daemons/common/base/log.h"

namespace bulkhead::netd {
namespace {

constexpr size_t mostAddresses = 64;

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The text travels on as UTF-8, which nobody promised that a plugin writes.
std::string asAscii(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; }, '?');
  return text;
}

tl::unexpected<Refusal> badResult(const std::string& plugin, const std::string& why) {
  return refuse(Code::unavailable, "", "CNI plugin " + plugin + " gave a bad result: " + why);
}

}  // namespace

Outcome<CniResult> parseCniResult(std::string_view text, const std::string& plugin) {
  auto document = parseObject(text, "result");
  if (!document) return badResult(plugin, describe(document.error()));
  CniResult result{std::move(*document), {}};
  auto ips = result.document.find("ips");
  if (ips == result.document.end() || ips->is_null()) return result;
  if (!ips->is_array() || ips->size() > mostAddresses)
    return badResult(plugin, "ips is not a list, or too long");
  for (const Json& entry : *ips) {
    std::string address = entry.is_object() ? stringAt(entry, "address") : std::string();
    address = address.substr(0, address.find('/'));
    if (!isAddress(address)) return badResult(plugin, "ips holds something that is not an address");
    result.addresses.push_back(std::move(address));
  }
  return result;
}

Refusal pluginFailure(const std::string& plugin, int status, std::string_view out, std::string_view err) {
  std::string said;
  if (auto error = parseObject(out, "error")) {
    said = stringAt(*error, "msg");
    if (std::string details = stringAt(*error, "details"); !details.empty()) said += ": " + details;
  }
  std::string text = "CNI plugin " + plugin + " failed";
  if (said.empty() && trimmed(err).empty()) text += " with status " + std::to_string(status);
  if (!said.empty()) text += ": " + log::printable(asAscii(std::move(said)));
  return {Code::unavailable, "", text + lastWords(err)};
}

// Its last words: a plugin that logs says at the end why it gave up.
std::string lastWords(std::string_view err) {
  constexpr size_t most = 512;
  std::string_view words = trimmed(err);
  if (words.empty()) return {};
  std::string text = words.size() > most ? "..." : "";
  words.remove_prefix(words.size() > most ? words.size() - most : 0);
  return "; it wrote: " + text + log::printable(asAscii(std::string(words)));
}

}  // namespace bulkhead::netd
