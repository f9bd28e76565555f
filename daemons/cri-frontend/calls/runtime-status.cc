// Status: may pods be started here?
#include <memory>
#include <nlohmann/json.hpp>

#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {
namespace {

// The OCI runtime's version, asked until it has answered once: the kubelet calls Status every few seconds,
// and asking executes the runtime.
Answer<void> askRuntime(Frontend& frontend) {
  if (!frontend.runtimeVersion.empty()) return good();
  return andThen(frontend.launcher.version(frontend.settings.defaultHandler),
                 [&frontend](std::string&& version) {
                   frontend.runtimeVersion = std::move(version);
                   return good();
                 });
}

void addCondition(v1::StatusResponse& response, const char* type, bool good, std::string reason,
                  std::string message) {
  auto& condition = *response.mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_status(good);
  condition.set_reason(std::move(reason));
  condition.set_message(std::move(message));
}

void addRuntime(v1::StatusResponse& response, const Outcome<void>& outcome) {
  bool ready = outcome.has_value();
  addCondition(response, "RuntimeReady", ready, ready ? "" : "RuntimeNotReady",
               ready ? "" : describe(outcome.error()));
}

void addNetwork(v1::StatusResponse& response, const Outcome<NetworkStatus>& outcome) {
  bool ready = outcome && outcome->ready;
  std::string reason = outcome && !outcome->reason.empty() ? outcome->reason : "NetworkPluginNotReady";
  std::string message = outcome ? outcome->message : describe(outcome.error());
  addCondition(response, "NetworkReady", ready, ready ? "" : reason, ready ? "" : message);
}

// The default handler is listed under the empty name, too.
void addHandlers(v1::StatusResponse& response, const Settings& settings) {
  response.add_runtime_handlers()->mutable_features();
  for (const auto& name : settings.handlers) {
    auto& handler = *response.add_runtime_handlers();
    handler.set_name(name);
    handler.mutable_features();
  }
  // Strict leaves out what the image says (translate/user).
  response.mutable_features()->set_supplemental_groups_policy(true);
}

std::string configInfo(const Frontend& frontend) {
  nlohmann::json info{{"runtimeHandlers", frontend.settings.handlers},
                      {"defaultRuntimeHandler", frontend.settings.defaultHandler},
                      {"runtimeVersion", frontend.runtimeVersion},
                      {"cgroupParent", frontend.settings.cgroupParent},
                      {"ceilingProfile", frontend.settings.ceilingProfile},
                      {"runDirectory", frontend.layout.run},
                      {"stateDirectory", frontend.layout.state}};
  return info.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

Answer<v1::StatusResponse> status(Frontend& frontend, const v1::StatusRequest& request) {
  auto response = std::make_shared<v1::StatusResponse>();
  auto asked = askRuntime(frontend).then([&frontend, response](Outcome<void>&& outcome) {
    addRuntime(*response, outcome);
    return frontend.netd.status();
  });
  bool verbose = request.verbose();
  return asked.then([&frontend, response, verbose](Outcome<NetworkStatus>&& network) {
    addNetwork(*response, network);
    addHandlers(*response, frontend.settings);
    if (verbose) (*response->mutable_info())["config"] = configInfo(frontend);
    return Outcome<v1::StatusResponse>(std::move(*response));
  });
}

}  // namespace bulkhead::cri
