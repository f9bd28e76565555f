#include "daemons/cri-frontend/calls/streaming-calls.h"
#include "daemons/cri-frontend/flows/dial-pod.h"

namespace bulkhead::cri {
namespace {

constexpr int mostPorts = 64;

Outcome<std::vector<uint16_t>> portsOf(const v1::PortForwardRequest& request) {
  if (request.port_size() > mostPorts) return invalid("port", "too many");
  std::vector<uint16_t> ports;
  for (int port : request.port()) {
    if (port < 1 || port > UINT16_MAX) return invalid("port", "not within 1 to 65535");
    ports.push_back(static_cast<uint16_t>(port));
  }
  return ports;
}

}  // namespace

Answer<v1::PortForwardResponse> portForward(Frontend& frontend, const v1::PortForwardRequest& request) {
  using Response = v1::PortForwardResponse;
  auto pod = findPod(frontend, request.pod_sandbox_id());
  if (!pod) return refused<Response>(pod.error());
  if ((*pod)->record.state() != record::Pod::READY)
    return refused<Response>({Code::failedPrecondition, "pod_sandbox_id", "the pod is not ready"});
  auto ports = portsOf(request);
  if (!ports) return refused<Response>(ports.error());
  auto dial = [&frontend, id = (*pod)->id](uint16_t port) { return dialPod(frontend, id, port); };
  return offerUrl<Response>(frontend, {.kind = streaming::Kind::portForward,
                                       .wanted = {},
                                       .start = nullptr,
                                       .ports = std::move(*ports),
                                       .dial = std::move(dial)});
}

}  // namespace bulkhead::cri
