#include "daemons/shim/launcher/log-file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "daemons/common/base/beneath.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/launcher/container.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

constexpr unsigned directoryMode = 0755;  // as the kubelet makes them
constexpr unsigned logMode = 0640;

// Opens `relative` component by component, making what is missing.
Fd descend(Fd from, const std::string& relative) {
  for (size_t at = 0; at < relative.size() && from;) {
    size_t to = std::min(relative.find('/', at), relative.size());
    std::string name = relative.substr(at, to - at);
    if (!name.empty()) from = makeDirectory(from.get(), name, directoryMode);
    at = to + 1;
  }
  return from;
}

Outcome<Fd> openLogDirectory(const Context& context, const std::string& path) {
  auto parsed = ceiling::parseHostPath(path, "logDirectory");
  if (!parsed) return tl::unexpected(parsed.error());
  for (auto text : context.config.getCeiling().getLogRoots()) {
    std::string root = ipc::toString(text);
    if (!ceiling::isBeneath(*parsed, root)) continue;
    try {
      return descend(openDirectory(root), parsed->substr(root == "/" ? 0 : root.size()));
    } catch (const SystemError& error) {
      return refuse(Code::failedPrecondition, "logDirectory",
                    "cannot be opened: " + errnoText(error.number()));
    }
  }
  return refuse(Code::permissionDenied, "logDirectory", "is beneath no log root of ceiling.toml");
}

}  // namespace

Outcome<void> makeLogDirectory(const Context& context, const std::string& path) {
  if (path.empty()) return {};
  return openLogDirectory(context, path).map([](const Fd&) {});
}

Outcome<Fd> openLog(const Context& context, const std::string& directory, const std::string& relative) {
  auto opened = openLogDirectory(context, directory);
  if (!opened) return opened;
  size_t slash = relative.rfind('/');
  try {
    if (slash != std::string::npos) opened = descend(std::move(*opened), relative.substr(0, slash));
  } catch (const SystemError& error) {
    return refuse(Code::failedPrecondition, "logPath", "cannot be opened: " + errnoText(error.number()));
  }
  std::string name = slash == std::string::npos ? relative : relative.substr(slash + 1);
  Fd log = tryOpenBeneath(opened->get(), name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, logMode);
  struct stat info {};
  // A FIFO or device put there by somebody else would block or do worse; another name of it may be anything.
  if (!log || ::fstat(log.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) {
    return refuse(Code::failedPrecondition, "logPath",
                  "is not a regular file of one name that can be appended to");
  }
  return log;
}

Outcome<Fd> openLogAgain(const Context& context, capnp::Text::Reader containerId) {
  auto container = findRunning(context, containerId);
  if (!container) return tl::unexpected(container.error());
  ipc::Packet record = readSpec(container->directory.get());
  auto path = record.as<schema::ContainerSpec>().getLogPath();
  if (path.size() == 0) return refuse(Code::failedPrecondition, "containerId", "has no log");
  return openLog(context, ipc::toString(container->pod->record.getSpec().getLogDirectory()),
                 ipc::toString(path));
}

}  // namespace bulkhead::launcher
