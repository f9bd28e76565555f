#include "daemons/cri-frontend/streaming/remote-command.h"

#include <array>
#include <nlohmann/json.hpp>

#include "daemons/cri-frontend/streaming/limits.h"

namespace bulkhead::streaming {
namespace {

struct Known {
  const char* name;
  int version;
  bool base64;
  bool spdy;
  bool webSocket;
};
constexpr std::array known{
    Known{"v5.channel.k8s.io", 5, false, true, true},
    Known{"v4.channel.k8s.io", 4, false, true, true},
    Known{"v3.channel.k8s.io", 3, false, true, false},
    Known{"v2.channel.k8s.io", 2, false, true, false},
    Known{"channel.k8s.io", 1, false, true, true},
    Known{"v4.base64.channel.k8s.io", 4, true, false, true},
    Known{"base64.channel.k8s.io", 1, true, false, true},
};
constexpr std::array<const char*, 5> roleNames{"stdin", "stdout", "stderr", "error", "resize"};  // as Role
constexpr int firstWithResize = 3;
constexpr int firstWithStatus = 4;

std::string print(const nlohmann::json& document) {
  return document.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

std::optional<uint16_t> dimension(const nlohmann::json& document, const char* name) {
  auto found = document.find(name);
  if (found == document.end() || !found->is_number_unsigned()) return std::nullopt;
  auto value = found->get<uint64_t>();
  if (value > 0xffff) return std::nullopt;
  return static_cast<uint16_t>(value);
}

std::optional<Size> readSize(const std::string& text) {
  auto document = nlohmann::json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  auto width = dimension(document, "Width"), height = dimension(document, "Height");
  if (!width || !height) return std::nullopt;
  return Size{*width, *height};
}

}  // namespace

std::optional<Protocol> chooseProtocol(const Upgrade& upgrade) {
  bool isSpdy = upgrade.transport == Transport::spdy;
  if (!isSpdy && upgrade.protocols.empty()) return Protocol{};
  for (const std::string& name : upgrade.protocols) {
    for (const Known& one : known) {
      if (name == one.name && (isSpdy ? one.spdy : one.webSocket))
        return Protocol{name, one.version, one.base64};
    }
  }
  return std::nullopt;
}

std::optional<Protocol> chooseForwarding(const Upgrade& upgrade) {
  for (const std::string& name : upgrade.protocols) {
    if (upgrade.transport == Transport::spdy && name == forwarding) return Protocol{name, 1, false};
  }
  return std::nullopt;
}

std::vector<std::string> spdyProtocols() {
  std::vector<std::string> names;
  for (const Known& one : known) {
    if (one.spdy) names.emplace_back(one.name);
  }
  return names;
}

std::optional<Role> roleOf(const StreamHeaders& headers) {
  for (const auto& [name, value] : headers) {
    if (name != "streamtype") continue;
    for (size_t i = 0; i < roleNames.size(); ++i) {
      if (value == roleNames[i]) return static_cast<Role>(i);
    }
  }
  return std::nullopt;
}

bool isWanted(Role role, const Wanted& wanted, const Protocol& protocol) {
  switch (role) {
    case Role::in:
      return wanted.in;
    case Role::out:
      return wanted.out;
    case Role::err:
      return wanted.err;
    case Role::error:
      return true;
    case Role::resize:
      return wanted.tty && protocol.version >= firstWithResize;
  }
  return false;
}

// metav1.Status, as client-go's decoder of version 4 reads it.
std::string exitText(int exitCode, const Protocol& protocol) {
  bool good = exitCode == 0;
  std::string message = "command terminated with non-zero exit code: exit status " + std::to_string(exitCode);
  if (protocol.version < firstWithStatus) return good ? "" : message;
  if (good) return R"({"metadata":{},"status":"Success"})";
  nlohmann::json cause{{"reason", "ExitCode"}, {"message", std::to_string(exitCode)}};
  return print({{"metadata", nlohmann::json::object()},
                {"status", "Failure"},
                {"message", message},
                {"reason", "NonZeroExitCode"},
                {"details", {{"causes", nlohmann::json::array({cause})}}}});
}

std::string failureText(const std::string& reason, const Protocol& protocol) {
  if (protocol.version < firstWithStatus) return reason;
  return print({{"metadata", nlohmann::json::object()},
                {"status", "Failure"},
                {"message", reason},
                {"reason", "InternalError"},
                {"code", 500}});
}

void ResizeReader::feed(std::string_view bytes, const std::function<void(Size)>& resized) {
  for (char c : bytes) {
    partial_ += c;
    if (c == '}') {
      if (auto size = readSize(partial_)) resized(*size);
      partial_.clear();
    } else if (partial_.size() >= limits::resizeMessage) {
      partial_.clear();
    }
  }
}

}  // namespace bulkhead::streaming
