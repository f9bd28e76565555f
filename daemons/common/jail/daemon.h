// The common start of every daemon, so that each main() reads alike: options, sanitise, configuration (read
// by a confined child), inherited sockets.
#pragma once

#include <map>
#include <string>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/layout.h"

namespace bulkhead::jail {

// What each daemon is told on its command line:
//   --root DIR          the instance's root; absent: the packaged places
//   --config FILE       default /etc/bulkhead/bulkhead.toml (absent file: defaults)
//   --ceiling FILE      default: ceiling.toml beside the config file (absent file: profile baseline)
//   --peer-cgroup LINE  a line of /proc/PID/cgroup that the permitted peer must have; absent: not checked
//   --mounter-peer-cgroup LINE   the same for the mounter's socket (storaged only)
//   --library DIR       where our helper programs are; default: the directory of the running program
struct Options {
  std::string root;
  std::string configFile;
  std::string ceilingFile;
  std::string peerCgroup;
  std::string mounterPeerCgroup;
  std::string library;
};

// Exits with status 2 and a usage line on an unknown option.
Options parseOptions(int argc, char** argv);

// The start order up to (not including) confinement: setComponent(component), sanitise(), parse options, take
// the inherited sockets.
struct Start {
  Options options;
  Layout layout;
  std::map<std::string, Fd> sockets;
  Fd notify;  // connected to the supervisor's NOTIFY_SOCKET, if there is one
};
Start startDaemon(const char* component, int argc, char** argv);

// Runs `body`, logging any exception and turning it into exit status 1.
int runMain(const char* component, int (*body)(int, char**), int argc, char** argv);

// Tells the supervisor that we serve (sd_notify(3), "READY=1"), if it asked; a plain write, so it works
// confined.
void notifyReady(const Start& start);

}  // namespace bulkhead::jail
