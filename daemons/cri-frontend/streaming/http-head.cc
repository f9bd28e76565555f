#include "daemons/cri-frontend/streaming/http-head.h"

#include <kj/compat/http.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <stdexcept>

namespace bulkhead::streaming {
namespace {

constexpr std::string_view headEnd = "\r\n\r\n";
constexpr std::string_view spdy = "spdy/3.1";
constexpr size_t webSocketKey = 24;  // 16 bytes in base64 (RFC 6455, section 4.1)

using Headers = std::map<std::string, std::string>;  // names in lower case; a repeated one by commas

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

std::vector<std::string> words(std::string_view list) {
  std::vector<std::string> found;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    std::string_view word = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (word.starts_with(' ') || word.starts_with('\t')) word.remove_prefix(1);
    while (word.ends_with(' ') || word.ends_with('\t')) word.remove_suffix(1);
    if (!word.empty()) found.emplace_back(word);
  }
  return found;
}

bool lists(const Headers& headers, const std::string& name, std::string_view word) {
  auto found = headers.find(name);
  if (found == headers.end()) return false;
  auto all = words(lower(found->second));
  return std::find(all.begin(), all.end(), word) != all.end();
}

std::string valueOf(const Headers& headers, const std::string& name) {
  auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

// Printable ASCII and CR LF: what is left of a head's grammar for smuggling is small.
bool isPlain(std::string_view head) {
  for (size_t i = 0; i < head.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(head[i]);
    bool lineEnd = (c == '\r' && i + 1 < head.size() && head[i + 1] == '\n') ||
                   (c == '\n' && i > 0 && head[i - 1] == '\r');
    if (!lineEnd && c != '\t' && (c < ' ' || c > '~')) return false;
  }
  return true;
}

Headers collect(const kj::HttpHeaders& parsed) {
  Headers headers;
  parsed.forEach([&](kj::StringPtr name, kj::StringPtr value) {
    std::string& all = headers[lower(name.cStr())];
    all += (all.empty() ? "" : ", ") + std::string(value.cStr());
  });
  return headers;
}

// RFC 6455, section 4.2.2, 5.4.
std::string acceptOf(const std::string& key) {
  std::string text = key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha1(), nullptr) != 1)
    throw std::runtime_error("OpenSSL has no SHA-1");
  std::array<unsigned char, 64> encoded{};
  int length = EVP_EncodeBlock(encoded.data(), hash.data(), static_cast<int>(size));
  return {reinterpret_cast<char*>(encoded.data()), static_cast<size_t>(length)};
}

bool isWebSocketKey(const std::string& key) {
  auto base64 = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/'; };
  return key.size() == webSocketKey && key.ends_with("==") && std::all_of(key.begin(), key.end() - 2, base64);
}

tl::expected<Upgrade, int> webSocket(Upgrade upgrade, const Headers& headers) {
  upgrade.transport = Transport::webSocket;
  upgrade.key = valueOf(headers, "sec-websocket-key");
  if (valueOf(headers, "sec-websocket-version") != "13") return tl::unexpected(426);
  if (!isWebSocketKey(upgrade.key)) return tl::unexpected(400);
  upgrade.protocols = words(valueOf(headers, "sec-websocket-protocol"));
  return upgrade;
}

tl::expected<Upgrade, int> upgradeOf(std::string path, const Headers& headers) {
  bool hasBody = headers.contains("transfer-encoding") ||
                 (headers.contains("content-length") && valueOf(headers, "content-length") != "0");
  if (hasBody || !lists(headers, "connection", "upgrade")) return tl::unexpected(400);
  Upgrade upgrade{std::move(path), Transport::spdy, {}, {}};
  if (lists(headers, "upgrade", "websocket")) return webSocket(std::move(upgrade), headers);
  if (!lists(headers, "upgrade", spdy)) return tl::unexpected(400);
  upgrade.protocols = words(valueOf(headers, "x-stream-protocol-version"));
  return upgrade;
}

std::string_view phraseOf(int status) {
  switch (status) {
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Bad Request";
  }
}

}  // namespace

size_t headLength(std::string_view bytes) {
  size_t end = bytes.find(headEnd);
  return end == std::string_view::npos ? 0 : end + headEnd.size();
}

tl::expected<Upgrade, int> parseHead(std::string_view head) {
  size_t lineEnd = head.find("\r\n");
  if (!head.ends_with(headEnd) || !head.substr(0, lineEnd).ends_with(" HTTP/1.1") || !isPlain(head))
    return tl::unexpected(400);
  // KJ takes all but the second line end, and writes into it.
  std::string scratch(head.substr(0, head.size() - 2));
  kj::HttpHeaderTable table;
  kj::HttpHeaders parsed(table);
  auto result = parsed.tryParseRequest(kj::ArrayPtr<char>(scratch.data(), scratch.size()));
  if (!result.is<kj::HttpHeaders::Request>()) return tl::unexpected(400);
  const auto& request = result.get<kj::HttpHeaders::Request>();
  if (request.method != kj::HttpMethod::GET && request.method != kj::HttpMethod::POST)
    return tl::unexpected(405);
  std::string path(request.url.cStr());
  path.resize(std::min(path.find('?'), path.size()));
  if (!path.starts_with('/')) return tl::unexpected(400);
  return upgradeOf(std::move(path), collect(parsed));
}

std::string acceptance(const Upgrade& upgrade, const std::string& protocol) {
  std::string text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  bool isSpdy = upgrade.transport == Transport::spdy;
  text += isSpdy ? "Upgrade: SPDY/3.1\r\n" : "Upgrade: websocket\r\n";
  if (!isSpdy) text += "Sec-WebSocket-Accept: " + acceptOf(upgrade.key) + "\r\n";
  if (!protocol.empty())
    text += (isSpdy ? "X-Stream-Protocol-Version: " : "Sec-WebSocket-Protocol: ") + protocol + "\r\n";
  return text + "\r\n";
}

std::string refusal(int status, const std::vector<std::string>& accepted) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " + std::string(phraseOf(status)) + "\r\n";
  text += "Connection: close\r\nContent-Length: 0\r\n";
  if (status == 405) text += "Allow: GET, POST\r\n";
  if (status == 426) text += "Sec-WebSocket-Version: 13\r\n";
  for (const std::string& protocol : accepted)
    text += "X-Accepted-Stream-Protocol-Versions: " + protocol + "\r\n";
  return text + "\r\n";
}

}  // namespace bulkhead::streaming
