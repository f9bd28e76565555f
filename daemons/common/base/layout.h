// Layout: where everything of one instance lives. Stated once, here; the supervisor, tmpfiles and every
// daemon read it from this type. With a root directory DIR (embedded), run = DIR/run, state = DIR/state, logs
// = DIR/logs; without (packaged) /run/bulkhead, /var/lib/bulkhead, /var/log/pods.
#pragma once

#include <string>
#include <vector>

#include "daemons/common/base/error.h"

namespace bulkhead {

struct Layout {
  std::string run;    // emptied by a reboot
  std::string state;  // survives one
  std::string logs;

  // `root` empty: the packaged places. Else an absolute path without "..", short enough for socket addresses.
  static Outcome<Layout> at(const std::string& root);

  // The doors. Each socket sits in a 0710 directory of its server, group = the one permitted peer's.
  [[nodiscard]] std::string criSocket() const { return run + "/bulkhead.sock"; }
  [[nodiscard]] std::string imagedSocket() const { return run + "/imaged/imaged.sock"; }
  [[nodiscard]] std::string storagedSocket() const { return run + "/storaged/storaged.sock"; }
  [[nodiscard]] std::string netdSocket() const { return run + "/netd/netd.sock"; }
  [[nodiscard]] std::string launcherSocket() const { return run + "/launcher/launcher.sock"; }
  [[nodiscard]] std::string mounterSocket() const { return run + "/mounter/mounter.sock"; }
  [[nodiscard]] std::string shimDirectory() const { return run + "/shims"; }  // ID.sock, made by the launcher

  [[nodiscard]] std::string netnsDirectory() const { return run + "/netns"; }  // pins, made by netns-helper
  [[nodiscard]] std::string podsDirectory() const { return run + "/pods"; }    // the launcher's, root only
  [[nodiscard]] std::string ociDirectory() const { return run + "/oci"; }      // the OCI runtimes' own state
  [[nodiscard]] std::string stageDirectory() const {
    return run + "/stage";
  }  // empty; mounted over privately

  [[nodiscard]] std::string criState() const { return state + "/cri"; }
  [[nodiscard]] std::string storage() const { return state + "/storage"; }
  [[nodiscard]] std::string netdState() const { return state + "/netd"; }
};

// Who owns a directory of the layout; resolved to numbers by Identities (daemons/common/config).
enum class Owner { root, cri, image, storage, net };

struct LayoutDirectory {
  std::string path;
  Owner owner;
  Owner group;
  unsigned mode;
};

// Every directory, parents first: what `bulkheadctl up` and tmpfiles make.
std::vector<LayoutDirectory> directoriesOf(const Layout& layout);

}  // namespace bulkhead
