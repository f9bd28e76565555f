// HttpClient: one HTTP exchange after the other, over libcurl, bounded in every direction. It knows nothing
// of registries: no redirects followed, no credentials of its own, no retries.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "daemons/imaged/fetcher/proxy-choice.h"
#include "daemons/imaged/fetcher/registry-access.h"
#include "daemons/imaged/fetcher/url.h"

namespace bulkhead::fetcher {

// Main closed our control socket: nobody wants the result any more. The process ends quietly.
class HungUp : public std::runtime_error {
 public:
  HungUp() : std::runtime_error("main hung up") {}
};

struct HttpRequest {
  Url url;
  std::vector<std::string> headers;       // "Accept: …"
  std::string form;                       // not empty: POST as application/x-www-form-urlencoded
  bool skipVerify = false;                // TLS certificates are not checked
  bool anyAddress = false;                // loopback and link-local targets too (address-guard.h)
  std::chrono::milliseconds deadline{0};  // for the whole exchange; 0: only the progress watchdog
  const TlsFiles* tls = nullptr;          // outlives the exchange; nothing: the system's trust anchors alone
};

struct HttpResponse {
  long status = 0;
  std::map<std::string, std::string> headers;  // lower-case names, only those we ever use

  [[nodiscard]] std::string header(const std::string& name) const;
  [[nodiscard]] bool isSuccess() const { return status >= 200 && status < 300; }
  // RFC 9110 §15.4; 304 and the like are none.
  [[nodiscard]] bool isRedirect() const {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
  }
};

// Of one request, that whoever follows them goes along with.
inline constexpr int maxRedirects = 5;

// Why there is no response.
enum class Transport {
  unresolved,        // the name has no address
  forbiddenAddress,  // the address guard refused all of them
  refused,           // nobody listens, or no route
  timedOut,          // connect, progress or deadline
  brokenOff,         // closed or reset before the end
  untrusted,         // certificate not verified
  notTls,            // no TLS at the other end, or none that we speak
  malformed,         // not HTTP, or headers over their limit
  badCertificate,    // of ours: certs.d has what TLS cannot use
  proxy,             // the proxy is not there, or refuses
  stopped,           // the body's receiver said no
};

// Takes body bytes of a 2xx response; false ends the exchange (Transport::stopped). Other bodies are dropped.
using BodySink = std::function<bool(const HttpResponse& head, std::string_view bytes)>;

// A byte now and then is no progress: at the default timeout this is 1 KiB/s.
inline constexpr std::uint64_t leastProgress = 64 * 1024;

class HttpClient {
 public:
  // `control` is watched during every wait: readable means hung up. An exchange ends as timedOut if its head
  // takes longer than `progressTimeout`, or less than leastProgress bytes of body come in that time; time
  // that the body's receiver takes does not count.
  // A proxy's address is the configuration's and may be any; what the proxy then connects to, it alone knows.
  HttpClient(int control, std::chrono::milliseconds progressTimeout, Proxies proxies = {});

  // From now on all exchanges together, and the pauses between them, end by then.
  void finishWithin(std::chrono::milliseconds duration);

  // Throws HungUp.
  tl::expected<HttpResponse, Transport> exchange(const HttpRequest& request, const BodySink& sink);
  // Waits. Throws HungUp.
  void pause(std::chrono::milliseconds duration) const;

 private:
  int control_;
  std::chrono::milliseconds progressTimeout_;
  Proxies proxies_;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::time_point::max();
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
};

}  // namespace bulkhead::fetcher
