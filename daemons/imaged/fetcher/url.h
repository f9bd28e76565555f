// Url: an http or https address from a registry's mouth, taken apart once by libcurl's own parser, so that
// what we compare is what libcurl will connect to.
#pragma once

#include <optional>
#include <string>

namespace bulkhead::fetcher {

class Url {
 public:
  // Nothing if the text is not an absolute http or https URL, carries a user or password, or is over 16 KiB.
  static std::optional<Url> parse(const std::string& text);
  // Where a Location header leads from here; relative ones are allowed (RFC 9110 §10.2.2).
  [[nodiscard]] std::optional<Url> follow(const std::string& location) const;
  // With one more query parameter, both sides percent-encoded.
  [[nodiscard]] Url withQuery(const std::string& name, const std::string& value) const;

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] const std::string& host() const { return host_; }  // lower case, IPv6 in brackets, no port
  [[nodiscard]] const std::string& port() const { return port_; }  // also the scheme's own
  [[nodiscard]] bool isHttps() const { return scheme_ == "https"; }
  // Same host and port, whatever the scheme: what the configuration says of a registry is of this place
  // alone.
  [[nodiscard]] bool samePlace(const Url& other) const {
    return host_ == other.host_ && port_ == other.port_;
  }
  // The same of "host[:port]", without a port the scheme's own.
  [[nodiscard]] bool isAt(const std::string& place) const;
  // Same scheme, host and port: the only place a credential may go on to.
  [[nodiscard]] bool sameOrigin(const Url& other) const;

 private:
  Url() = default;
  std::string text_;
  std::string scheme_;
  std::string host_;
  std::string port_;
};

}  // namespace bulkhead::fetcher
