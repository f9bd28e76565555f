#include "daemons/shim/launcher/context.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cstdlib>
#include <memory>

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/view.h"
#include "ipc/convert.h"

namespace bulkhead::launcher {
namespace {

using ipc::toString;

bool isMountPoint(const std::string& path) {
  struct statx info {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &info) != 0) throwErrno("statx " + path);
  return (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

void makePrivateMount(const std::string& path) {
  if (!isMountPoint(path) && ::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0) {
    throwErrno("bind " + path);
  }
  require(::mount(nullptr, path.c_str(), nullptr, MS_PRIVATE, nullptr), "make the pods' mount private");
}

std::vector<std::string> ownPathsOf(const jail::Start& start, schema::Config::Reader config) {
  std::vector<std::string> paths{start.layout.run,
                                 start.layout.state,
                                 start.options.library,
                                 start.options.configFile,
                                 start.options.ceilingFile,
                                 "/etc/bulkhead",
                                 "/run/bulkhead",
                                 "/var/lib/bulkhead",
                                 "/etc/cni",
                                 "/var/lib/cni",
                                 "/opt/cni",
                                 "/run/netns",
                                 "/run/runc",
                                 "/run/crun",
                                 "/proc",
                                 "/sys",
                                 "/dev",
                                 toString(config.getNetwork().getConfigDirectory())};
  for (auto directory : config.getNetwork().getPluginDirectories()) paths.push_back(toString(directory));
  for (auto runtime : config.getRuntimes()) paths.push_back(toString(runtime.getPath()));
  std::erase_if(paths, [](const std::string& path) { return path.empty() || path[0] != '/'; });
  return paths;
}

// As it is now; a path that does not exist stays as written.
std::string resolved(const std::string& path) {
  std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

template <typename List>
std::vector<std::string> resolvedAll(List paths) {
  std::vector<std::string> out;
  for (const auto& path : paths) out.push_back(resolved(std::string(path)));
  return out;
}

}  // namespace

Context openContext(const jail::Start& start, schema::Config::Reader config) {
  makePrivateMount(start.layout.podsDirectory());
  // runc's exec starts in the root's path as it was at create, in the host's namespace: an empty directory
  // there.
  Fd stage = openDirectory(start.layout.stageDirectory());
  (void)makeDirectory(makeDirectory(stage.get(), "bundle", 0700).get(), "rootfs", 0700);
  Context context{start.layout, start.options.root,   config, ownPathsOf(start, config), {}, {},
                  {},           start.options.library};
  context.pods = {start.layout.podsDirectory(), openDirectory(start.layout.podsDirectory())};
  Fd programs = openDirectory(start.options.library);
  context.shimProgram = openBeneath(programs.get(), "bulkhead-shim", O_PATH);
  Fd readOnly = jail::cloneMount(programs.get(), MOUNT_ATTR_RDONLY);
  context.pauseProgram = openBeneath(readOnly.get(), "bulkhead-pause", O_PATH);
  return context;
}

void closeContext(Context& context) {
  context.pods.directory.reset();
  // Busy while a pod's pins are beneath it.
  (void)::umount2(context.layout.podsDirectory().c_str(), UMOUNT_NOFOLLOW);
}

ceiling::BindRules bindRules(const Context& context) {
  auto ceiling = context.config.getCeiling();
  return {resolvedAll(ceiling.getBindSources()), resolvedAll(ceiling.getBindSourcesReadOnly()),
          resolvedAll(context.ownPaths), toString(ceiling.getProfile()) == "permissive"};
}

std::vector<std::string> seccompRoots(const Context& context) {
  return resolvedAll(context.config.getCeiling().getSeccompRoots());
}

std::string runtimePath(const Context& context, const std::string& name) {
  for (auto runtime : context.config.getRuntimes()) {
    if (toString(runtime.getName()) == name) return toString(runtime.getPath());
  }
  return {};
}

}  // namespace bulkhead::launcher
