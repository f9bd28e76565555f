#include "daemons/imaged/fetcher/http-client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <exception>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/imaged/fetcher/address-guard.h"
#include "daemons/imaged/fetcher/ascii.h"
#include "ipc/limits.h"

namespace bulkhead::fetcher {
namespace {

using Clock = std::chrono::steady_clock;
using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

constexpr long connectSeconds = 30;
constexpr long receiveBuffer = 256 * 1024;
constexpr int pollMilliseconds = 500;

// What the callbacks of one exchange share.
struct Exchange {
  const HttpRequest& request;
  const BodySink& sink;
  CURL* easy;
  std::string proxy;        // empty: none
  std::string authorities;  // the system's and more; empty: the system's
  HttpResponse head;
  size_t headerBytes = 0;
  size_t droppedBytes = 0;
  bool addressRefused = false;
  bool headersTooLarge = false;
  bool droppedEnough = false;
  std::exception_ptr thrown;              // by the sink: nothing may be thrown through libcurl's C
  Clock::time_point mark = Clock::now();  // the last progress that counts
  std::uint64_t sinceMark = 0;            // bytes of body
  bool bodyBegun = false;
};

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool isWanted(const std::string& name) {
  static constexpr std::array<std::string_view, 5> wanted{"www-authenticate", "location", "content-type",
                                                          "content-range", "x-registry-supports-signatures"};
  return std::find(wanted.begin(), wanted.end(), name) != wanted.end();
}

size_t onHeader(char* bytes, size_t, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  exchange.headerBytes += count;
  if (exchange.headerBytes > limits::httpHeaders) {
    exchange.headersTooLarge = true;
    return 0;
  }
  std::string_view line(bytes, count);
  if (line.starts_with("HTTP/")) exchange.head.headers.clear();  // after a 1xx answer
  size_t colon = line.find(':');
  if (colon == line.npos) return count;
  std::string name = lower(line.substr(0, colon));
  if (!isWanted(name)) return count;
  std::string& value = exchange.head.headers[name];
  if (!value.empty()) value += ", ";
  value += trimmed(line.substr(colon + 1));
  return count;
}

bool deliver(Exchange& exchange, std::string_view bytes) {
  Clock::time_point before = Clock::now();
  try {
    bool more = exchange.sink(exchange.head, bytes);
    exchange.mark += Clock::now() - before;  // the registry did not make us wait
    return more;
  } catch (...) {
    exchange.thrown = std::current_exception();
    return false;
  }
}

bool drop(Exchange& exchange, size_t count) {
  exchange.droppedBytes += count;
  exchange.droppedEnough = exchange.droppedBytes > limits::httpErrorBody;
  return !exchange.droppedEnough;
}

void noteProgress(Exchange& exchange, size_t count) {
  exchange.sinceMark += count;
  if (exchange.bodyBegun && exchange.sinceMark < leastProgress) return;
  exchange.bodyBegun = true;
  exchange.sinceMark = 0;
  exchange.mark = Clock::now();
}

size_t onBody(char* bytes, size_t, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  curl_easy_getinfo(exchange.easy, CURLINFO_RESPONSE_CODE, &exchange.head.status);
  bool good = exchange.head.status >= 200 && exchange.head.status < 300;
  bool more = good ? deliver(exchange, {bytes, count}) : drop(exchange, count);
  noteProgress(exchange, count);
  return more ? count : CURL_WRITEFUNC_ERROR;
}

curl_socket_t onOpenSocket(void* context, curlsocktype, struct curl_sockaddr* target) {
  auto& exchange = *static_cast<Exchange*>(context);
  // Behind a proxy this is the proxy's, which root has named.
  bool free = exchange.request.anyAddress || !exchange.proxy.empty();
  if (!free && !isPublicTarget(target->addr)) {
    exchange.addressRefused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
}

template <typename Value>
void set(CURL* easy, CURLoption option, Value value) {
  // A wall that libcurl does not know (an option of a newer version) must not be missed silently.
  if (curl_easy_setopt(easy, option, value) != CURLE_OK)
    throw std::runtime_error("libcurl refuses an option");
}

HeaderList headerList(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl_slist_append(list, header.c_str());
  return {list, &curl_slist_free_all};
}

// A blob replaces the file that libcurl would read, so it has to hold that too.
std::string withSystemAnchors(const std::string& authorities) {
  const curl_version_info_data* curl = curl_version_info(CURLVERSION_NOW);
  std::string bundle = curl->cainfo == nullptr ? "" : curl->cainfo;
  Fd file(::open(bundle.c_str(), O_RDONLY | O_CLOEXEC));
  constexpr size_t largestBundle = 4 * 1024 * 1024;
  auto text = file ? readBounded(file.get(), largestBundle) : std::nullopt;
  return (text ? *text + "\n" : "") + authorities;
}

void setBlob(CURL* easy, CURLoption option, const std::string& bytes) {
  // libcurl only reads it, and it outlives the exchange.
  struct curl_blob blob {
    const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_NOCOPY
  };
  set(easy, option, &blob);
}

void configureTls(Exchange& exchange) {
  CURL* easy = exchange.easy;
  const HttpRequest& request = exchange.request;
  set(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(easy, CURLOPT_SSL_VERIFYPEER, request.skipVerify ? 0L : 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, request.skipVerify ? 0L : 2L);
  if (request.skipVerify) {  // reading the trust anchors takes longer than the rest of the handshake
    set(easy, CURLOPT_CAINFO, static_cast<char*>(nullptr));
    set(easy, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  if (request.tls == nullptr) return;
  if (!request.tls->authorities.empty() && !request.skipVerify) {
    exchange.authorities = withSystemAnchors(request.tls->authorities);
    setBlob(easy, CURLOPT_CAINFO_BLOB, exchange.authorities);
  }
  if (request.tls->certificate.empty()) return;
  setBlob(easy, CURLOPT_SSLCERT_BLOB, request.tls->certificate);
  setBlob(easy, CURLOPT_SSLKEY_BLOB, request.tls->key);
}

void configureProxy(const Exchange& exchange) {
  CURL* easy = exchange.easy;
  set(easy, CURLOPT_PROXY, exchange.proxy.c_str());  // empty: none, whatever the environment says
  set(easy, CURLOPT_NOPROXY, "");
  set(easy, CURLOPT_HEADEROPT, static_cast<long>(CURLHEADER_SEPARATE));  // no credential to the proxy
  set(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void configure(Exchange& exchange, curl_slist* headers) {
  CURL* easy = exchange.easy;
  const HttpRequest& request = exchange.request;
  set(easy, CURLOPT_URL, request.url.text().c_str());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(easy, CURLOPT_HTTP_VERSION,
      static_cast<long>(CURL_HTTP_VERSION_1_1));  // one stream: less to parse than HTTP/2
  set(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  configureTls(exchange);
  configureProxy(exchange);
  set(easy, CURLOPT_CONNECTTIMEOUT, connectSeconds);
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a resolver thread is not waited for
  set(easy, CURLOPT_BUFFERSIZE, receiveBuffer);
  set(easy, CURLOPT_USERAGENT, "bulkhead");
  set(easy, CURLOPT_HTTPHEADER, headers);
  set(easy, CURLOPT_HEADERFUNCTION, &onHeader);
  set(easy, CURLOPT_HEADERDATA, &exchange);
  set(easy, CURLOPT_WRITEFUNCTION, &onBody);
  set(easy, CURLOPT_WRITEDATA, &exchange);
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &onOpenSocket);
  set(easy, CURLOPT_OPENSOCKETDATA, &exchange);
  if (request.form.empty()) return;
  set(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request.form.size()));
  set(easy, CURLOPT_POSTFIELDS, request.form.c_str());
}

// An answer of the proxy's own to CONNECT, or none.
bool proxyFailed(CURLcode code, const Exchange& exchange) {
  if (exchange.proxy.empty()) return false;
  long answer = 0;
  curl_easy_getinfo(exchange.easy, CURLINFO_HTTP_CONNECTCODE, &answer);
  bool refused = answer != 0 && (answer < 200 || answer >= 300);
  return refused || code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_PROXY ||
         code == CURLE_PROXY;
}

Transport transportOf(CURLcode code, const Exchange& exchange) {
  if (proxyFailed(code, exchange)) return Transport::proxy;
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
      return Transport::unresolved;
    case CURLE_COULDNT_CONNECT:
      return exchange.addressRefused ? Transport::forbiddenAddress : Transport::refused;
    case CURLE_OPERATION_TIMEDOUT:
      return Transport::timedOut;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return Transport::untrusted;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return Transport::badCertificate;
    case CURLE_SSL_CONNECT_ERROR:
      return Transport::notTls;
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_PARTIAL_FILE:
      return Transport::brokenOff;
    case CURLE_WRITE_ERROR:
      return exchange.headersTooLarge ? Transport::malformed : Transport::stopped;
    default:
      return Transport::malformed;
  }
}

}  // namespace

std::string HttpResponse::header(const std::string& name) const {
  auto found = headers.find(name);
  return found == headers.end() ? std::string() : found->second;
}

HttpClient::HttpClient(int control, std::chrono::milliseconds progressTimeout, Proxies proxies)
    : control_(control),
      progressTimeout_(progressTimeout),
      proxies_(std::move(proxies)),
      multi_(curl_multi_init(), &curl_multi_cleanup) {
  if (!multi_) throw std::bad_alloc();
}

tl::expected<HttpResponse, Transport> HttpClient::exchange(const HttpRequest& request, const BodySink& sink) {
  Easy easy(curl_easy_init(), &curl_easy_cleanup);
  if (!easy) throw std::bad_alloc();
  HeaderList headers = headerList(request);
  Exchange state{request, sink, easy.get(), proxyFor(request.url, proxies_)};
  bool free = request.anyAddress || isPublicHost(request.url.host());
  if (!state.proxy.empty() && !free) return tl::unexpected(Transport::forbiddenAddress);
  configure(state, headers.get());

  curl_multi_add_handle(multi_.get(), easy.get());
  auto remove = [this](CURL* handle) { curl_multi_remove_handle(multi_.get(), handle); };
  std::unique_ptr<CURL, decltype(remove)> added(easy.get(), remove);

  Clock::time_point end = end_;
  if (request.deadline.count() > 0) end = std::min(end, Clock::now() + request.deadline);
  int running = 1;
  while (true) {
    Clock::time_point now = Clock::now();
    if (now >= end || now - state.mark > progressTimeout_) return tl::unexpected(Transport::timedOut);
    if (curl_multi_perform(multi_.get(), &running) != CURLM_OK) throw std::runtime_error("libcurl failed");
    if (running == 0) break;
    curl_waitfd control{control_, CURL_WAIT_POLLIN, 0};
    curl_multi_poll(multi_.get(), &control, 1, pollMilliseconds, nullptr);
    if (control.revents != 0) throw HungUp();
  }
  if (state.thrown) std::rethrow_exception(state.thrown);
  int left = 0;
  CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
  if (message == nullptr || message->msg != CURLMSG_DONE)
    throw std::runtime_error("libcurl lost an exchange");
  CURLcode code = message->data.result;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &state.head.status);
  if (code == CURLE_OK || state.droppedEnough) return state.head;
  log::debug("exchange failed", {{"host", request.url.host()}, {"curl", curl_easy_strerror(code)}});
  return tl::unexpected(transportOf(code, state));
}

void HttpClient::finishWithin(std::chrono::milliseconds duration) {
  end_ = Clock::now() + duration;
}

void HttpClient::pause(std::chrono::milliseconds duration) const {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(end_ - Clock::now());
  duration = std::clamp(left, std::chrono::milliseconds(0), duration);
  struct pollfd control {
    control_, POLLIN, 0
  };
  if (::poll(&control, 1, static_cast<int>(duration.count())) > 0) throw HungUp();
}

}  // namespace bulkhead::fetcher
