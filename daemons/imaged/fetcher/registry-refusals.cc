#include "daemons/imaged/fetcher/registry-refusals.h"

namespace bulkhead::fetcher {
namespace {

Refusal unavailable(const std::string& reason) {
  return {Code::unavailable, "", "RegistryUnavailable: " + reason};
}

}  // namespace

Refusal noAnswerFrom(const std::string& who, Transport transport) {
  switch (transport) {
    case Transport::unresolved:
      return unavailable(who + ": the name does not resolve");
    case Transport::refused:
      return unavailable(who + ": connection refused");
    case Transport::timedOut:
      return unavailable(who + ": no answer in time");
    case Transport::brokenOff:
      return unavailable(who + " closed the connection");
    case Transport::notTls:
      return unavailable(who + " does not speak TLS; plain HTTP needs 'insecure' in the configuration");
    case Transport::forbiddenAddress:
      return {Code::permissionDenied, "",
              who + " is at a loopback or link-local address and no registry listed in the configuration"};
    case Transport::proxy:
      return unavailable(who + ": the proxy is not there, or refuses");
    case Transport::badCertificate:
      return {Code::failedPrecondition, "", who + ": the certificates of certs.d cannot be used"};
    case Transport::untrusted:
      return {Code::failedPrecondition, "", who + ": its certificate is not trusted"};
    case Transport::malformed:
    case Transport::stopped:
      break;
  }
  return {Code::failedPrecondition, "", who + " does not speak HTTP as it should"};
}

Refusal brokenAnswerFrom(const std::string& who, long status) {
  std::string text = " (HTTP " + std::to_string(status) + ")";
  if (status == 429) return unavailable(who + " asks for fewer requests" + text);
  if (status >= 500) return unavailable(who + " is in trouble" + text);
  return {Code::failedPrecondition, "", who + " answers what was not asked" + text};
}

Refusal refusedBy(const RegistryAccess& registry, long status, const std::string& what) {
  std::string who = registry.who();
  std::string text = " (HTTP " + std::to_string(status) + ")";
  if (status == 401 || status == 403) {
    return {Code::permissionDenied, "", who + " refuses access to " + registry.repository + text};
  }
  if (status == 404) return {Code::notFound, "", who + " has no " + registry.repository + what + text};
  return brokenAnswerFrom(who, status);
}

}  // namespace bulkhead::fetcher
