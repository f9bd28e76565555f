#include "daemons/common/base/layout.h"

namespace bulkhead {

Outcome<Layout> Layout::at(const std::string& root) {
  if (root.empty()) return Layout{"/run/bulkhead", "/var/lib/bulkhead", "/var/log/pods"};
  // sun_path holds 108 bytes (unix(7)); the longest name below is "/run/shims/<64 digits>.sock".
  constexpr size_t longest = 107 - 80;
  if (root[0] != '/') return invalid("root", "is not an absolute path");
  if (root.size() > longest) {
    return invalid("root",
                   "is longer than " + std::to_string(longest) + " bytes, too long for socket addresses");
  }
  if ((root + "/").find("/../") != std::string::npos) return invalid("root", "contains '..'");
  if (root.back() == '/') return invalid("root", "ends in '/'");
  return Layout{root + "/run", root + "/state", root + "/logs"};
}

std::vector<LayoutDirectory> directoriesOf(const Layout& layout) {
  using enum Owner;
  auto parent = [](const std::string& path) { return path.substr(0, path.rfind('/')); };
  return {
      {layout.run, root, root, 0755},
      {parent(layout.imagedSocket()), image, cri, 0710},
      {parent(layout.storagedSocket()), storage, cri, 0710},
      {parent(layout.netdSocket()), net, cri, 0710},
      {parent(layout.launcherSocket()), root, cri, 0710},
      {parent(layout.mounterSocket()), root, root, 0700},
      {layout.shimDirectory(), root, cri, 0710},
      {layout.netnsDirectory(), root, root, 0755},
      {layout.podsDirectory(), root, root, 0700},
      {layout.ociDirectory(), root, root, 0700},
      {layout.stageDirectory(), root, root, 0700},
      {layout.state, root, root, 0755},
      {layout.criState(), cri, cri, 0700},
      {layout.storage(), storage, storage, 0700},
      {layout.netdState(), net, net, 0700},
      {layout.logs, root, root, 0755},
  };
}

}  // namespace bulkhead
