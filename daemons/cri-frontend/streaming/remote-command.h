// The words of Kubernetes' remotecommand subprotocols: which stream is which, what the error channel says,
// what the resize channel asks (k8s.io/apimachinery, pkg/util/remotecommand; k8s.io/client-go,
// tools/remotecommand).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemons/cri-frontend/streaming/framing.h"
#include "daemons/cri-frontend/streaming/http-head.h"

namespace bulkhead::streaming {

// Which streams the request was for.
struct Wanted {
  bool in = false;
  bool out = false;
  bool err = false;
  bool tty = false;
};

struct Protocol {
  std::string name;  // empty: WebSocket without one, which is version 1
  int version = 1;   // 1 to 5
  bool base64 = false;
};
// The first of the client's that we know. Nothing: none of them.
std::optional<Protocol> chooseProtocol(const Upgrade& upgrade);
// The same for port-forward, which is SPDY's alone.
inline constexpr const char* forwarding = "portforward.k8s.io";
std::optional<Protocol> chooseForwarding(const Upgrade& upgrade);
// For the answer to a client whose none we know.
std::vector<std::string> spdyProtocols();

enum class Role { in, out, err, error, resize };
// By the header `streamtype`.
std::optional<Role> roleOf(const StreamHeaders& headers);
// Whether a client of this protocol opens such a stream for that request.
bool isWanted(Role role, const Wanted& wanted, const Protocol& protocol);

// What goes on the error channel; may be empty (before version 4, a success).
std::string exitText(int exitCode, const Protocol& protocol);
std::string failureText(const std::string& reason, const Protocol& protocol);

struct Size {
  uint16_t width = 0;
  uint16_t height = 0;
};
// Reads a channel of {"Width":…,"Height":…}, however they are cut into pieces. What is no size is passed
// over.
class ResizeReader {
 public:
  void feed(std::string_view bytes, const std::function<void(Size)>& resized);

 private:
  std::string partial_;
};

}  // namespace bulkhead::streaming
