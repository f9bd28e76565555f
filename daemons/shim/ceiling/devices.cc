#include "daemons/shim/ceiling/ceiling.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/oci/json-writer.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::ceiling {
namespace {

using ipc::toString;

bool isAccess(std::string_view text) {
  bool known = text.find_first_not_of("rwm") == std::string_view::npos;
  for (char c : text) known = known && text.find(c) == text.rfind(c);
  return known && !text.empty();
}

}  // namespace

Outcome<void> checkDevices(schema::ContainerSpec::Reader spec) {
  auto devices = spec.getDevices();
  if (devices.size() > limits::devices) return invalid("devices", "has too many entries");
  if (spec.getCdiDevices().size() > 0)
    return refuse(Code::failedPrecondition, "cdiDevices", "are not in this version");
  for (size_t i = 0; i < devices.size(); ++i) {
    const std::string field = "devices[" + std::to_string(i) + "]";
    if (auto source = parseHostPath(toString(devices[i].getSource()), field + ".source"); !source)
      return tl::unexpected(source.error());
    auto place = parseHostPath(toString(devices[i].getDestination()), field + ".destination");
    if (!place) return tl::unexpected(place.error());
    if (!oci::isUtf8Text(*place)) return invalid(field + ".destination", "is not UTF-8");
    // Whoever masks paths with the container's /dev/null must find that there.
    if (auto ok = checkDestination(*place, false, field + ".destination"); !ok) return ok;
    if (isBeneath(*place, "/sys")) return invalid(field + ".destination", "is beneath /sys");
    if (!isAccess(toString(devices[i].getAccess())))
      return invalid(field + ".access", "is not of r, w and m");
  }
  return {};
}

Outcome<void> judgeDevice(std::string_view realPath, std::string_view access,
                          capnp::List<schema::DeviceRule>::Reader rules, const std::string& field) {
  for (auto rule : rules) {
    std::string path = toString(rule.getPath());
    bool meant = rule.getIsPrefix() ? realPath.starts_with(path) : realPath == path;
    if (meant && access.find_first_not_of(toString(rule.getAccess())) == std::string_view::npos) return {};
  }
  return above(field, "this device, or this access to it,");
}

}  // namespace bulkhead::ceiling
