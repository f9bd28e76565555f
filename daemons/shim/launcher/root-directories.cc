#include "daemons/shim/launcher/root-directories.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/process.h"
#include "daemons/common/jail/capabilities.h"
#include "daemons/shim/ceiling/host-path.h"
#include "daemons/shim/launcher/context.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

constexpr int madeAll = 0;
constexpr int broken = 255;

bool makeAll(int root, capnp::Text::Reader asked) {
  const std::string path = ceiling::parseHostPath(ipc::toString(asked), "directories").value();
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    std::string prefix = path.substr(0, end);
    size_t slash = prefix.rfind('/');
    Fd parent = tryOpenInRoot(root, slash == 0 ? "/" : prefix.substr(0, slash), O_PATH | O_DIRECTORY);
    if (!parent) return false;
    if (::mkdirat(parent.get(), prefix.substr(slash + 1).c_str(), 0755) != 0 && errno != EEXIST) return false;
    if (end == std::string::npos) return tryOpenInRoot(root, path, O_PATH | O_DIRECTORY).valid();
  }
}

void giveUpAllButTheRoot(int root) {
  require(::fchdir(root), "enter the root");
  require(::chroot("."), "enter the root");
  constexpr jail::CapabilitySet kept = jail::CapabilitySet{1} << CAP_DAC_OVERRIDE;
  jail::limitBounding(kept);
  jail::setCapabilities(kept & jail::permittedCapabilities());
  ::umask(022);
}

}  // namespace

Outcome<void> makeRootDirectories(int root, capnp::List<capnp::Text>::Reader directories) {
  if (directories.size() == 0) return {};
  pid_t child = ::fork();
  if (child < 0) throwErrno("fork");
  if (child == 0) {
    try {
      giveUpAllButTheRoot(root);
      for (unsigned i = 0; i < directories.size(); ++i) {
        if (!makeAll(root, directories[i])) ::_exit(1);
      }
      ::_exit(madeAll);
    } catch (const std::exception&) {
      ::_exit(broken);
    }
  }
  int code = waitFor(child, std::nullopt)->code;
  if (code == broken) throw std::runtime_error("cannot enter a container's root");
  if (code != madeAll)
    return refuse(Code::failedPrecondition, "directories", "cannot be made in the image's root");
  return {};
}

}  // namespace bulkhead::launcher
