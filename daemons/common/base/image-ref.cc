#include "daemons/common/base/image-ref.h"

#include <algorithm>

#include "daemons/common/base/address.h"

namespace bulkhead {
namespace {

bool isLower(char c) {
  return c >= 'a' && c <= 'z';
}
bool isDigit(char c) {
  return c >= '0' && c <= '9';
}
bool isAlnum(char c) {
  return isLower(c) || isDigit(c) || (c >= 'A' && c <= 'Z');
}

// Lower-case words joined by '.', '_', '__' or dashes.
bool isPathComponent(std::string_view part) {
  auto isWord = [](char c) { return isLower(c) || isDigit(c); };
  if (part.empty() || !isWord(part.front()) || !isWord(part.back())) return false;
  for (size_t i = 0; i < part.size();) {
    if (isWord(part[i])) {
      ++i;
      continue;
    }
    size_t end = part.find_first_not_of(part[i], i);
    std::string_view joint = part.substr(i, end - i);
    bool good = joint == "." || joint == "_" || joint == "__" || joint[0] == '-';
    if (!good) return false;
    i = end;
    if (i < part.size() && !isWord(part[i])) return false;
  }
  return true;
}

bool isPath(std::string_view path) {
  constexpr size_t longest = 255;  // reference.go: RepositoryNameTotalLengthMax
  if (path.size() > longest) return false;
  while (true) {
    size_t slash = path.find('/');
    if (!isPathComponent(path.substr(0, slash))) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool isPort(std::string_view port) {
  if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), isDigit)) return false;
  int value = std::stoi(std::string(port));
  return value >= 1 && value <= 65535;
}

bool isDnsName(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  while (true) {
    size_t dot = name.find('.');
    std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return isAlnum(c) || c == '-'; })) return false;
    if (dot == name.npos) return true;
    name.remove_prefix(dot + 1);
  }
}

bool isHost(std::string_view host) {
  if (host.starts_with('[')) {
    size_t close = host.find(']');
    if (close == host.npos || close < 3) return false;
    std::string address(host.substr(1, close - 1));
    // Hexadecimal digits and colons (reference.go, ipv6address): an IPv4 address inside has to be spelled so
    // too.
    bool known = address.find(':') != address.npos && address.find('.') == address.npos && isAddress(address);
    std::string_view rest = host.substr(close + 1);
    return known && (rest.empty() || (rest[0] == ':' && isPort(rest.substr(1))));
  }
  size_t colon = host.find(':');
  return isDnsName(host.substr(0, colon)) && (colon == host.npos || isPort(host.substr(colon + 1)));
}

// [A-Za-z0-9_][A-Za-z0-9._-]{0,127}
bool isTag(std::string_view tag) {
  if (tag.empty() || tag.size() > 128 || tag[0] == '.' || tag[0] == '-') return false;
  return std::all_of(tag.begin(), tag.end(),
                     [](char c) { return isAlnum(c) || c == '_' || c == '.' || c == '-'; });
}

bool looksLikeHost(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:[") != first.npos;
}

}  // namespace

Outcome<ImageReference> ImageReference::parse(std::string_view text, std::string field) {
  constexpr size_t maxLength = 1024;
  if (text.empty()) return invalid(std::move(field), "is empty");
  if (text.size() > maxLength) return invalid(std::move(field), "is longer than 1024 bytes");

  ImageReference ref;
  if (size_t at = text.find('@'); at != text.npos) {
    auto digest = Digest::parse(text.substr(at + 1), field);
    if (!digest) return tl::unexpected(digest.error());
    ref.digest_ = *digest;
    text = text.substr(0, at);
  }

  size_t slash = text.find('/');
  bool hasHost = slash != text.npos && looksLikeHost(text.substr(0, slash));
  ref.host_ = hasHost ? std::string(text.substr(0, slash)) : "docker.io";
  if (!isHost(ref.host_)) return invalid(std::move(field), "has a malformed registry host");
  std::string_view rest = hasHost ? text.substr(slash + 1) : text;

  size_t colon = rest.find(':');
  std::string_view path = rest.substr(0, colon);
  if (colon != rest.npos) {
    ref.tag_ = rest.substr(colon + 1);
    if (!isTag(ref.tag_)) return invalid(std::move(field), "has a malformed tag");
  }
  bool official = ref.host_ == "docker.io" && path.find('/') == path.npos;
  ref.repository_ = (official ? "library/" : "") + std::string(path);
  if (!isPath(ref.repository_))
    return invalid(std::move(field), "has a malformed repository: lower-case words, '/', '.', '_', '-'");
  if (ref.tag_.empty() && !ref.digest_) ref.tag_ = "latest";
  // What is accepted must be so again, behind the next door, where it comes in full.
  if (ref.text().size() > maxLength) return invalid(std::move(field), "is longer than 1024 bytes in full");
  return ref;
}

std::string ImageReference::text() const {
  std::string whole = name();
  if (!tag_.empty()) whole += ":" + tag_;
  if (digest_) whole += "@" + digest_->text();
  return whole;
}

}  // namespace bulkhead
