#include "daemons/config-reader/keys.h"

#include <array>
#include <stdexcept>

namespace bulkhead::config {
namespace {

constexpr std::array bulkhead{
    Key{"default_runtime", Type::text, "\"crun\"",
        "The runtime of pods that name no handler: a name from [runtimes]."},
    Key{"fallback_runtime", Type::text, "\"\"", "Used when the default one refuses this host. Empty: never."},
    Key{"cgroup_parent", Type::text, "\"/bulkhead\"", "Cgroup of pods that name no parent."},
    Key{"image_volumes", Type::text, "\"mkdir\"",
        "What becomes of the volumes that an image declares: mkdir (directories in the container's own "
        "layer), "
        "bind (an empty directory each, removed with the container) or ignore."},
    Key{"pinned_images", Type::texts, "[]",
        "Images that the kubelet's garbage collection spares: a name as listed, \"x*\" (begins with) or "
        "\"*x*\" "
        "(contains), whatever their case."},
    Key{"log_level", Type::text, "\"info\"", "error, warning, info or debug."},
    Key{"registries_conf", Type::text, "\"/etc/containers/registries.conf\"",
        "Registries, mirrors and short names (containers-registries.conf(5), version 2), read anew for every "
        "pull; drop-ins are *.conf in the directory of this name with .d. Read after [[registry]] below."},
    Key{"certs_dirs", Type::texts, "[\"/etc/containers/certs.d\", \"/etc/docker/certs.d\"]",
        "TLS by registry (containers-certs.d(5)): HOST[:PORT]/*.crt, *.cert, *.key. Readable by the image "
        "daemon's user."},
    Key{"global_auth_file", Type::text, "\"\"",
        "Credentials by registry (containers-auth.json(5)), where the kubelet sends none. Readable by the "
        "image daemon's user or group. Empty: none."},
    Key{"namespaced_auth_dir", Type::text, "\"\"",
        "Credentials of pod namespaces: NAMESPACE-SHA256.json, the hash being of the image's name without "
        "tag "
        "and digest. They come before global_auth_file. Readable likewise. Empty: none."},
    Key{"identity.uid_base", Type::integer, "1900000000",
        "First of five uids and gids: cri, image, storage, net, configuration reader. When not set, and "
        "accounts "
        "bulkhead-cri, -image, -storage, -net and -config exist, those are used."},
    Key{"identity.shim_base", Type::integer, "0",
        "First of the uids (and gids) of pods' monitors, one per pod. 0: uid_base + 1000."},
    Key{"identity.shim_count", Type::integer, "4096",
        "How many there are: the most pods with an identity of their own."},
    Key{"identity.socket_group", Type::text, "\"root\"", "Group of the CRI socket: a name or a number."},
    Key{"network.config_dir", Type::text, "\"/etc/cni/net.d\"", "Where CNI network lists are."},
    Key{"network.plugin_dirs", Type::texts, "[\"/opt/cni/bin\", \"/usr/lib/cni\"]",
        "Where CNI plugins are, in order of search. Root's, and writable by nobody else."},
    Key{"network.default_network", Type::text, "\"\"",
        "Name of the network pods get. Empty: the first list by file name."},
    Key{"network.add_timeout_seconds", Type::integer, "300",
        "A CNI ADD that takes longer is killed and owed a DEL."},
    Key{"network.del_timeout_seconds", Type::integer, "60",
        "A CNI DEL that takes longer is killed and tried again."},
    Key{"network.plugin_capabilities", Type::texts,
        "[\"CAP_NET_ADMIN\", \"CAP_NET_RAW\", \"CAP_SYS_ADMIN\", \"CAP_DAC_OVERRIDE\"]",
        "Capabilities that CNI plugins run with."},
    Key{"pull.progress_timeout_seconds", Type::integer, "60",
        "A transfer of less than 64 KiB in this long fails."},
    Key{"pull.max_layer_bytes", Type::integer, "68719476736",
        "The largest layer, unpacked, in bytes (64 GiB)."},
    Key{"pull.max_layer_entries", Type::integer, "2000000", "The most files in one layer."},
    Key{"pull.max_parallel", Type::integer, "16",
        "Blobs transferred at once, of all images together; others wait for their turn."},
    Key{"pull.max_image_bytes", Type::integer, "274877906944",
        "The most that all layers of one image may be, unpacked, in bytes (256 GiB); layers that are there "
        "already do not count."},
    Key{"pull.max_image_entries", Type::integer, "10000000", "The most files in all those layers."},
    Key{"pull.max_compression_ratio", Type::integer, "1000",
        "A layer that unpacks to more times its compressed size is refused, beyond its first 64 MiB. Gzip "
        "reaches 1032, with zeros."},
    Key{"pull.device_nodes", Type::text, "\"allow\"",
        "allow or refuse block and character devices in layers. Containers reach none by them that their "
        "device rules do not allow."},
    Key{"pull.schema1", Type::boolean, "false",
        "Images of Docker's schema 1, which registries served until 2016, are taken and converted."},
    Key{"proxy.http", Type::text, "\"\"",
        "Proxy for plain HTTP: http://[user:password@]host:port. Empty: HTTP_PROXY of the environment that "
        "the daemon was started with."},
    Key{"proxy.https", Type::text, "\"\"", "The same for HTTPS, and HTTPS_PROXY."},
    Key{"proxy.no_proxy", Type::text, "\"\"",
        "What is reached directly, and NO_PROXY: hosts (with their subdomains), .domains, addresses, "
        "networks, each with or without :port, by commas."},
    Key{"streaming.address", Type::text, "\"127.0.0.1\"",
        "Where exec, attach and port-forward are served to the kubelet: a loopback address."},
    Key{"streaming.port", Type::integer, "0", "The port there. 0: any that is free."},
    Key{"streaming.idle_timeout_seconds", Type::integer, "14400",
        "A session in which nothing is said for this long is ended (4 hours, as the kubelet has it)."},
    Key{"streaming.tls_certificate", Type::text, "\"\"",
        "A PEM file, the server's certificate and those it hangs on. With it the URLs are https, TLS 1.3. "
        "Empty: "
        "plain HTTP. Looked at again for every connection, as the next two are; new ones that are no good "
        "leave "
        "the old ones in use. cri may read what its uid may in the directories of the three, so give them "
        "one of "
        "their own, without links out of it."},
    Key{"streaming.tls_key", Type::text, "\"\"",
        "Its key, PEM without a passphrase, readable by the cri user and nobody else but root."},
    Key{"streaming.tls_client_ca", Type::text, "\"\"",
        "A PEM file: clients have to show a certificate by one of these. Empty: they need none, for the "
        "token in "
        "the URL is what lets them in."},
    Key{"storage.driver", Type::text, "\"auto\"",
        "How layers become roots: overlay, btrfs (snapshots), vfs (copies), or auto: the first that works. "
        "It is "
        "chosen when the store is made, and stays."},
    Key{"storage.additional_stores", Type::texts, "[]",
        "Directories of other Bulkhead stores, root's, whose images are used where they lie and never "
        "written; "
        "at most 8. Read at start."},
    Key{"trust.directory", Type::text, "\"/etc\"",
        "All that the verifier of image signatures sees, read-only. Policies and keys lie beneath it, behind "
        "no symbolic link, readable by the storage uid."},
    Key{"trust.signature_policy", Type::text, "\"/etc/containers/policy.json\"",
        "containers-policy.json(5): whose images are accepted. Not set, and no such file: anything is. One "
        "that is named here has to exist."},
    Key{"trust.signature_policy_dir", Type::text, "\"/etc/bulkhead/policies\"",
        "NAMESPACE.json here replaces the node's policy for pods of that namespace."},
    Key{"trust.registries_dir", Type::text, "\"/etc/containers/registries.d\"",
        "containers-registries.d(5): where signatures are stored. Read anew for every pull."},
    Key{"runtimes.NAME.path", Type::text, "",
        "Absolute path of the OCI runtime that handler NAME stands for."},
    Key{"registry[].prefix", Type::text, "",
        "host[:port][/path] that an image's name starts with; the longest match counts."},
    Key{"registry[].location", Type::text, "\"\"",
        "Where to go instead: host[:port][/path]. Empty: the prefix's own host."},
    Key{"registry[].insecure", Type::boolean, "false", "Plain HTTP and unverified TLS are allowed."},
    Key{"registry[].blocked", Type::boolean, "false", "No image of this prefix is pulled."},
};

// Pod Security Standards, "Baseline": the values of capabilities and the switches that are false.
constexpr std::array ceiling{
    Key{"profile", Type::text, "\"baseline\"",
        "baseline, restricted or permissive: what all keys below are unless set. Values here are "
        "baseline's."},
    Key{"privileged", Type::boolean, "false", "Privileged containers."},
    Key{"host_network", Type::boolean, "false", "Pods in the node's network."},
    Key{"host_pid", Type::boolean, "false", "Pods in the node's process namespace."},
    Key{"host_ipc", Type::boolean, "false", "Pods in the node's IPC namespace."},
    Key{"host_ports", Type::boolean, "false", "Ports of the node forwarded to pods."},
    Key{"bind_sources", Type::texts, "[\"/var/lib/kubelet/pods\"]",
        "Directories of the node whose contents may be mounted, by whole path components."},
    Key{"bind_sources_read_only", Type::texts, "[]", "The same, read-only."},
    Key{"propagation", Type::texts, "[\"private\", \"host-to-container\"]",
        "Mount propagation: of private, host-to-container, bidirectional."},
    Key{"capabilities", Type::texts,
        "[\"CAP_AUDIT_WRITE\", \"CAP_CHOWN\", \"CAP_DAC_OVERRIDE\", \"CAP_FOWNER\", \"CAP_FSETID\", "
        "\"CAP_KILL\", "
        "\"CAP_MKNOD\", \"CAP_NET_BIND_SERVICE\", \"CAP_SETFCAP\", \"CAP_SETGID\", \"CAP_SETPCAP\", "
        "\"CAP_SETUID\", "
        "\"CAP_SYS_CHROOT\"]",
        "Capabilities a container may have; \"ALL\" is every one."},
    Key{"cgroup_parents", Type::texts, "[\"/kubepods\", \"/bulkhead\"]",
        "Cgroups beneath which pods may be placed."},
    Key{"log_roots", Type::texts, "[\"/var/log/pods\"]",
        "Directories beneath which containers' logs may be written."},
    Key{"runtime_handlers", Type::texts, "[\"*\"]", "Handlers that pods may name; \"*\": all in [runtimes]."},
    Key{"seccomp_unconfined", Type::boolean, "false",
        "Containers without a seccomp filter. A kubelet without seccompDefault asks for that wherever a pod "
        "names "
        "no profile, and is refused: set seccompDefault there (kubelet) or this here. A container of which "
        "nothing is said gets the default filter without this."},
    Key{"seccomp_roots", Type::texts, "[\"/var/lib/kubelet/seccomp\"]",
        "Directories beneath which seccomp profiles for containers lie (Localhost): files that root alone "
        "can "
        "write or replace. A profile that allows by default also needs seccomp_unconfined."},
    Key{"root_user", Type::boolean, "true", "Containers as uid 0 of the node."},
    Key{"new_privileges", Type::boolean, "true",
        "Containers whose programs may gain privileges by setuid bits."},
    Key{"target_pid", Type::boolean, "true",
        "Containers that enter the process namespace of another one of their pod (kubectl debug --target)."},
    Key{"sysctls", Type::texts, "[]",
        "Kernel parameters that pods may set beyond Kubernetes' safe ones: names with dots, or "
        "\"net.ipv4.*\" for "
        "all that begin so. Only those of a pod's own network, IPC or UTS namespace."},
    Key{"devices", Type::texts, "[]",
        "Devices of the node that containers may have: \"PATH:ACCESS\", ACCESS of r, w, m (mknod), as in "
        "\"/dev/fuse:rw\"; a PATH that ends in * is all that begins so. Links are followed first."},
    Key{"unmasked_paths", Type::boolean, "false", "Containers that see the masked parts of /proc and /sys."},
    Key{"min_oom_score_adj", Type::integer, "-998",
        "The lowest oom_score_adj. The kubelet asks for -998 (a sandbox) and -997 (guaranteed pods); less is "
        "for the "
        "node's own daemons."},
};

constexpr std::string_view restricted = R"(
root_user = false
new_privileges = false
capabilities = ["CAP_NET_BIND_SERVICE"]
)";

constexpr std::string_view permissive = R"(
privileged = true
host_network = true
host_pid = true
host_ipc = true
host_ports = true
bind_sources = ["/"]
propagation = ["private", "host-to-container", "bidirectional"]
capabilities = ["ALL"]
cgroup_parents = ["/"]
log_roots = ["/"]
seccomp_unconfined = true
seccomp_roots = ["/"]
unmasked_paths = true
min_oom_score_adj = -1000
sysctls = ["net.*", "kernel.*", "fs.mqueue.*"]
devices = ["/dev/*:rwm"]
)";

// "[network]" for "network.config_dir", "[[registry]]" for "registry[].prefix", empty at the top.
std::string headerOf(std::string_view name) {
  size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  std::string table(name.substr(0, dot));
  if (table.ends_with("[]")) return "[[" + table.substr(0, table.size() - 2) + "]]";
  return "[" + table + "]";
}

void describeTable(std::ostream& out, std::span<const Key> keys) {
  std::string header;
  for (const Key& key : keys) {
    std::string next = headerOf(key.name);
    if (next != header) out << "#" << next << "\n\n";
    header = next;
    std::string_view value = key.fallback.empty() ? "\"…\"" : key.fallback;
    out << "# " << key.description << "\n#" << key.name.substr(key.name.rfind('.') + 1) << " = " << value
        << "\n\n";
  }
}

}  // namespace

std::span<const Key> bulkheadKeys() {
  return bulkhead;
}
std::span<const Key> ceilingKeys() {
  return ceiling;
}

std::string_view defaultRuntimes() {
  return "[runtimes.crun]\npath = \"/usr/bin/crun\"\n[runtimes.runc]\npath = \"/usr/bin/runc\"\n";
}

std::string_view profileText(std::string_view profile) {
  if (profile == "baseline") return "";
  if (profile == "restricted") return restricted;
  if (profile == "permissive") return permissive;
  throw std::out_of_range("no such profile");
}

void describeKeys(std::ostream& out) {
  out << "## bulkhead.toml\n\n";
  describeTable(out, bulkhead);
  out << "## ceiling.toml\n\n";
  describeTable(out, ceiling);
}

}  // namespace bulkhead::config
