#include "daemons/imaged/fetcher/credentials.h"

#include <openssl/evp.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace bulkhead::fetcher {
namespace {

std::string encodeBase64(std::string_view bytes) {
  std::vector<unsigned char> out(4 * ((bytes.size() + 2) / 3) + 1);
  int n = EVP_EncodeBlock(out.data(), reinterpret_cast<const unsigned char*>(bytes.data()),
                          static_cast<int>(bytes.size()));
  return {reinterpret_cast<const char*>(out.data()), static_cast<size_t>(n)};
}

std::optional<std::string> decodeBase64(std::string_view text) {
  std::vector<unsigned char> out(text.size() / 4 * 3 + 3);
  int n = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                          static_cast<int>(text.size()));
  if (n < 0) return std::nullopt;
  std::string bytes(reinterpret_cast<const char*>(out.data()), static_cast<size_t>(n));
  // EVP_DecodeBlock makes NUL of each '=', and some tools pad the password itself with NUL.
  while (!bytes.empty() && bytes.back() == '\0') bytes.pop_back();
  return bytes;
}

// A line break in a credential would be one in our request.
bool isOneLine(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

std::string_view hostOf(std::string_view address) {
  if (size_t scheme = address.find("://"); scheme != address.npos) address.remove_prefix(scheme + 3);
  return address.substr(0, address.find('/'));
}

std::string canonical(std::string_view host) {
  std::string name(host);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  bool hub = name == "index.docker.io" || name == "registry-1.docker.io";
  return hub ? "docker.io" : name;
}

}  // namespace

Outcome<Credentials> credentialsFrom(const AuthTexts& texts) {
  Credentials credentials{texts.username, texts.password, texts.identityToken, texts.registryToken};
  if (credentials.username.empty() && !texts.auth.empty()) {
    auto pair = decodeBase64(texts.auth);
    if (!pair) return invalid("auth.auth", "is not base64");
    size_t colon = pair->find(':');
    if (colon == pair->npos) return invalid("auth.auth", "is not username:password");
    credentials.username = pair->substr(0, colon);
    credentials.password = pair->substr(colon + 1);
  }
  if (credentials.username.find(':') != std::string::npos)
    return invalid("auth.username", "contains a colon");
  bool oneLine = isOneLine(credentials.username) && isOneLine(credentials.password) &&
                 isOneLine(credentials.identityToken) && isOneLine(credentials.registryToken);
  if (!oneLine) return invalid("auth", "contains control bytes");
  return credentials;
}

bool isMeantFor(std::string_view serverAddress, std::string_view referenceHost, std::string_view registryHost,
                bool insecure) {
  std::string server = canonical(hostOf(serverAddress));
  std::string registry = canonical(registryHost);
  bool moved = registry != canonical(referenceHost);
  if (!moved) return server.empty() || server == registry;
  return server == registry && !insecure;
}

std::string basicAuthorization(const Credentials& credentials) {
  return "Basic " + encodeBase64(credentials.username + ":" + credentials.password);
}

}  // namespace bulkhead::fetcher
