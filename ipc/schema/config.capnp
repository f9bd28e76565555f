# What bulkhead-config (the reader: capability-less, the only parser of TOML) hands back to the daemon that forked it:
# root's own configuration, checked and complete. One flat message on the reader's stdout. Not a door for anyone else.
@0xbfea95c937d79015;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

struct Answer {
  union {
    config @0 :Config;
    error @1 :Text;   # "bulkhead.toml:12: unknown key 'x.y'"
  }
}

struct Config {
  identities @0 :Identities;
  runtimes @1 :List(Runtime);
  defaultRuntime @2 :Text;
  fallbackRuntime @3 :Text;      # used when the default one refuses this host; empty: never
  cgroupParent @4 :Text;         # of pods that name none: "/bulkhead"
  network @5 :Network;
  registries @6 :List(Registry);
  logLevel @7 :Text;             # error, warning, info, debug
  ceiling @8 :Ceiling;
  pull @9 :Pull;
  pinnedImages @10 :List(Text);  # names; "x*" begins with, "*x*" contains
  fetching @11 :Fetching;
  imageVolumes @12 :ImageVolumes;
  storage @13 :Storage;
  trust @14 :Trust;
  streaming @15 :Streaming;
}

struct Streaming {
  # Where exec, attach and port-forward are served.
  address @0 :Text;              # an IP address; 127.0.0.0/8 or ::1
  port @1 :UInt16;               # 0: any that is free
  idleTimeoutMs @2 :UInt32;      # a session without a byte for this long is ended
  tlsCertificate @3 :Text;       # absolute paths of PEM files that cri reads; empty: plain HTTP
  tlsKey @4 :Text;               # empty exactly if the certificate is
  tlsClientCa @5 :Text;          # empty: clients need no certificate
}

struct Storage {
  driver @0 :Text;                   # auto, overlay, btrfs, vfs
  additionalStores @1 :List(Text);   # absolute paths of other stores, which are read and never written
}

struct Trust {
  # Where root says whose images are trusted. Absolute paths; the policies lie beneath `directory`.
  directory @0 :Text;            # all that the verifier of signatures sees
  policy @1 :Text;
  mayBeAbsent @2 :Bool;          # the policy was not named, so it need not exist
  policies @3 :Text;             # a directory of NAMESPACE.json
  registriesDirectory @4 :Text;  # containers-registries.d(5)
}

enum ImageVolumes {
  # What becomes of the VOLUMEs that an image declares.
  mkdir @0;
  bind @1;
  ignore @2;
}

struct Identities {
  # Numbers, resolved once. No two are equal; the ranges do not overlap.
  criUid @0 :UInt32;
  criGid @1 :UInt32;
  imageUid @2 :UInt32;
  imageGid @3 :UInt32;
  storageUid @4 :UInt32;
  storageGid @5 :UInt32;
  netUid @6 :UInt32;
  netGid @7 :UInt32;
  readerUid @8 :UInt32;      # the configuration reader itself
  readerGid @9 :UInt32;
  shimBase @10 :UInt32;      # shims: one uid (and the same gid) per pod, from here
  shimCount @11 :UInt32;
  socketGid @12 :UInt32;     # group of the CRI socket
}

struct Runtime {
  name @0 :Text;             # the handler's
  path @1 :Text;
}

struct Network {
  configDirectory @0 :Text;        # /etc/cni/net.d
  pluginDirectories @1 :List(Text);
  defaultNetwork @2 :Text;         # empty: the first conflist by name
  addTimeoutMs @3 :UInt32;
  delTimeoutMs @4 :UInt32;
  pluginCapabilities @5 :List(Text);  # "CAP_NET_ADMIN", …
}

struct Registry {
  prefix @0 :Text;           # host[:port][/path] that a reference's name starts with
  location @1 :Text;         # where to connect instead; empty: the prefix's host
  insecure @2 :Bool;         # plain HTTP and unverified TLS allowed
  blocked @3 :Bool;
}

struct Pull {
  progressTimeoutMs @0 :UInt32;    # a transfer without a byte for this long fails
  maxLayerBytes @1 :UInt64;        # unpacked
  maxLayerEntries @2 :UInt64;
  maxParallel @3 :UInt32;          # blobs transferred at once, of all images
  maxImageBytes @4 :UInt64;        # unpacked, of all layers that were fetched for one image
  maxImageEntries @5 :UInt64;
  maxCompressionRatio @6 :UInt32;  # unpacked to compressed, of one layer beyond its first 64 MiB
  deviceNodes @7 :Bool;            # whether a layer may have any
  schema1 @8 :Bool;                # whether manifests of Docker's schema 1 are converted
}

struct Fetching {
  # What imaged reads anew for every pull, beside the registries above.
  registriesConf @0 :Text;         # containers-registries.conf(5); its drop-ins are in PATH.d
  certificateDirectories @1 :List(Text);  # containers-certs.d(5): the first that has the host counts
  globalAuthFile @2 :Text;         # containers-auth.json(5); empty: none
  namespacedAuthDirectory @3 :Text;  # NAMESPACE-SHA256.json files; empty: none
  proxies @4 :Proxies;
}

struct Proxies {
  # URLs, possibly with user and password: never logged. Empty: as the daemon's environment says.
  http @0 :Text;
  https @1 :Text;
  noProxy @2 :Text;                # host names, addresses and networks that are reached directly, by commas
}

struct Ceiling {
  # The most this node will ever grant (ceiling.toml). What a list does not name is refused.
  profile @0 :Text;                # baseline, restricted, permissive
  privileged @1 :Bool;
  hostNetwork @2 :Bool;
  hostPid @3 :Bool;
  hostIpc @4 :Bool;
  bindSources @5 :List(Text);          # absolute prefixes, by whole components; "/" is everything not always refused
  bindSourcesReadOnly @6 :List(Text);
  propagation @7 :List(Text);          # private, host-to-container, bidirectional
  capabilities @8 :List(Text);
  cgroupParents @9 :List(Text);        # prefixes by whole components
  logRoots @10 :List(Text);
  runtimeHandlers @11 :List(Text);     # "*": all configured
  seccompUnconfined @12 :Bool;
  rootUser @13 :Bool;                  # may a container run as uid 0 without a user namespace
  newPrivileges @14 :Bool;             # may no_new_privs be off
  unmaskedPaths @15 :Bool;
  minOomScoreAdj @16 :Int32;
  hostPorts @17 :Bool;
  sysctls @18 :List(Text);             # beyond those that are safe everywhere: "net.core.somaxconn", "net.ipv4.*"
  devices @19 :List(DeviceRule);
  targetPid @20 :Bool;                 # may a container enter the PID namespace of another one of its pod
  seccompRoots @21 :List(Text);        # profiles are taken from beneath these
}

struct DeviceRule {
  path @0 :Text;                       # absolute
  isPrefix @1 :Bool;                   # of what begins so
  access @2 :Text;                     # of "rwm": the most
}
