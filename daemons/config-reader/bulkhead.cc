#include <arpa/inet.h>

#include <algorithm>

#include "daemons/common/base/image-ref.h"
#include "daemons/config-reader/answer.h"
#include "daemons/config-reader/checks.h"
#include "daemons/config-reader/identities.h"
#include "daemons/config-reader/keys.h"

namespace bulkhead::config {
namespace {

constexpr std::int64_t day = 24 * 60 * 60;

std::uint32_t milliseconds(const Setting& seconds) {
  return static_cast<std::uint32_t>(seconds.number(1, day)) * 1000;
}

// A handler's name reaches paths and commands: a DNS label, as Kubernetes requires of RuntimeClass handlers.
void checkHandlerName(const std::string& name, const Setting& blamed) {
  bool plain = !name.empty() && name.size() <= 63 &&
               name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!plain) blamed.refuse("belongs to a handler whose name is not of a-z, 0-9 and '-'");
}

void writeRuntimes(const Settings& settings, schema::Config::Builder config) {
  const Entries& runtimes = settings.entries("runtimes");
  auto list = config.initRuntimes(static_cast<unsigned>(runtimes.size()));
  unsigned at = 0;
  for (const auto& [name, entry] : runtimes) {
    const Setting& path = entry.find("path")->second;
    checkHandlerName(name, path);
    list[at].setName(name);
    list[at++].setPath(absolutePath(path));
  }
  const Setting& standard = settings.at("default_runtime");
  const Setting& fallback = settings.at("fallback_runtime");
  if (runtimes.count(standard.text()) == 0) standard.refuse("names no runtime of [runtimes]");
  if (!fallback.text().empty() && runtimes.count(fallback.text()) == 0)
    fallback.refuse("names no runtime of [runtimes]");
  config.setDefaultRuntime(standard.text());
  config.setFallbackRuntime(fallback.text());
}

void writeNetwork(const Settings& settings, schema::Network::Builder network) {
  network.setConfigDirectory(absolutePath(settings.at("network.config_dir")));
  const auto& directories = absolutePaths(settings.at("network.plugin_dirs"));
  fill(network.initPluginDirectories(static_cast<unsigned>(directories.size())), directories);
  network.setDefaultNetwork(settings.at("network.default_network").text());
  network.setAddTimeoutMs(milliseconds(settings.at("network.add_timeout_seconds")));
  network.setDelTimeoutMs(milliseconds(settings.at("network.del_timeout_seconds")));
  auto capabilities = capabilityNames(settings.at("network.plugin_capabilities"));
  fill(network.initPluginCapabilities(static_cast<unsigned>(capabilities.size())), capabilities);
}

// host[:port][/path]. A wildcard would be taken for itself and match nothing; registries.conf has them.
const std::string& registryName(const Setting& setting) {
  const std::string& text = setting.text();
  // With any path behind it, it is the name of an image.
  std::string sample = text + "/some/image";
  auto parsed = ImageReference::parse(sample, "");
  if (!text.empty() && !(parsed && parsed->name() == sample))
    setting.refuse("must be host[:port][/path], without a scheme or a wildcard");
  return text;
}

void writeRegistries(const Settings& settings, schema::Config::Builder config) {
  const Entries& registries = settings.entries("registry");
  auto list = config.initRegistries(static_cast<unsigned>(registries.size()));
  unsigned at = 0;
  for (const auto& [prefix, entry] : registries) {
    auto registry = list[at++];
    if (prefix.empty()) entry.find("prefix")->second.refuse("is empty");
    registry.setPrefix(registryName(entry.find("prefix")->second));
    registry.setLocation(registryName(entry.find("location")->second));
    registry.setInsecure(entry.find("insecure")->second.flag());
    registry.setBlocked(entry.find("blocked")->second.flag());
  }
}

// A star elsewhere would be taken for itself, and no image's name has one.
void writePinnedImages(const Setting& setting, schema::Config::Builder config) {
  const auto& patterns = setting.texts();
  for (const std::string& pattern : patterns) {
    std::string_view inner = pattern;
    if (inner.ends_with('*')) inner.remove_suffix(1);
    if (inner.size() < pattern.size() && inner.starts_with('*')) inner.remove_prefix(1);
    bool plain = !inner.empty() && inner.find('*') == std::string_view::npos;
    if (!plain) setting.refuse("must be names, \"x*\" or \"*x*\"");
  }
  fill(config.initPinnedImages(static_cast<unsigned>(patterns.size())), patterns);
}

schema::ImageVolumes imageVolumes(const Setting& setting) {
  const std::string& text = oneOf(setting, {"mkdir", "bind", "ignore"});
  if (text == "bind") return schema::ImageVolumes::BIND;
  return text == "ignore" ? schema::ImageVolumes::IGNORE : schema::ImageVolumes::MKDIR;
}

void writeStorage(const Settings& settings, schema::Storage::Builder storage) {
  storage.setDriver(oneOf(settings.at("storage.driver"), {"auto", "overlay", "btrfs", "vfs"}));
  constexpr size_t mostStores = 8;  // each is looked into for every layer
  const Setting& additional = settings.at("storage.additional_stores");
  const auto& paths = absolutePaths(additional);
  if (paths.size() > mostStores) additional.refuse("names more than 8 stores");
  fill(storage.initAdditionalStores(static_cast<unsigned>(paths.size())), paths);
}

// Who is on the node; TLS is an addition, not a reason to serve others.
const std::string& loopbackAddress(const Setting& setting) {
  const std::string& text = setting.text();
  in_addr four{};
  bool isFour = ::inet_pton(AF_INET, text.c_str(), &four) == 1 && ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
  if (!isFour && text != "::1") setting.refuse("must be ::1 or an address of 127.0.0.0/8");
  return text;
}

const std::string& absolutePathOrNone(const Setting& setting) {
  return setting.text().empty() ? setting.text() : absolutePath(setting);
}

void writeTls(const Settings& settings, schema::Streaming::Builder streaming) {
  const Setting& certificate = settings.at("streaming.tls_certificate");
  const Setting& key = settings.at("streaming.tls_key");
  const Setting& clientCa = settings.at("streaming.tls_client_ca");
  if (certificate.text().empty() != key.text().empty()) key.refuse("goes with streaming.tls_certificate");
  if (certificate.text().empty() && !clientCa.text().empty())
    clientCa.refuse("needs streaming.tls_certificate");
  streaming.setTlsCertificate(absolutePathOrNone(certificate));
  streaming.setTlsKey(absolutePathOrNone(key));
  streaming.setTlsClientCa(absolutePathOrNone(clientCa));
}

void writeStreaming(const Settings& settings, schema::Streaming::Builder streaming) {
  streaming.setAddress(loopbackAddress(settings.at("streaming.address")));
  streaming.setPort(static_cast<std::uint16_t>(settings.at("streaming.port").number(0, 65535)));
  streaming.setIdleTimeoutMs(milliseconds(settings.at("streaming.idle_timeout_seconds")));
  writeTls(settings, streaming);
}

void writePull(const Settings& settings, schema::Pull::Builder pull) {
  constexpr std::int64_t most = std::int64_t{1} << 50;
  pull.setProgressTimeoutMs(milliseconds(settings.at("pull.progress_timeout_seconds")));
  pull.setMaxLayerBytes(static_cast<std::uint64_t>(settings.at("pull.max_layer_bytes").number(1, most)));
  pull.setMaxLayerEntries(static_cast<std::uint64_t>(settings.at("pull.max_layer_entries").number(1, most)));
  pull.setMaxParallel(static_cast<std::uint32_t>(settings.at("pull.max_parallel").number(1, 256)));
  pull.setMaxImageBytes(static_cast<std::uint64_t>(settings.at("pull.max_image_bytes").number(1, most)));
  pull.setMaxImageEntries(static_cast<std::uint64_t>(settings.at("pull.max_image_entries").number(1, most)));
  constexpr std::int64_t steepest = 1'000'000;
  const Setting& ratio = settings.at("pull.max_compression_ratio");
  pull.setMaxCompressionRatio(static_cast<std::uint32_t>(ratio.number(1, steepest)));
  pull.setSchema1(settings.at("pull.schema1").flag());
  pull.setDeviceNodes(oneOf(settings.at("pull.device_nodes"), {"allow", "refuse"}) == "allow");
}

// http[s]://[user:password@]host[:port]. What is refused is not repeated: it may hold a password.
const std::string& proxyUrl(const Setting& setting) {
  const std::string& text = setting.text();
  bool schemed = text.starts_with("http://") || text.starts_with("https://");
  bool plain = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c <= ' ' || c == 0x7f; });
  if (!text.empty() && !(schemed && plain)) setting.refuse("must be http://[user:password@]host:port");
  return text;
}

void writeFetching(const Settings& settings, schema::Fetching::Builder fetching) {
  fetching.setRegistriesConf(absolutePath(settings.at("registries_conf")));
  const auto& directories = absolutePaths(settings.at("certs_dirs"));
  fill(fetching.initCertificateDirectories(static_cast<unsigned>(directories.size())), directories);
  fetching.setGlobalAuthFile(absolutePathOrNone(settings.at("global_auth_file")));
  fetching.setNamespacedAuthDirectory(absolutePathOrNone(settings.at("namespaced_auth_dir")));
  fetching.initProxies().setHttp(proxyUrl(settings.at("proxy.http")));
  fetching.getProxies().setHttps(proxyUrl(settings.at("proxy.https")));
  fetching.getProxies().setNoProxy(settings.at("proxy.no_proxy").text());
}

const std::string& pathBeneath(const std::string& directory, const Setting& setting) {
  const std::string& path = absolutePath(setting);
  bool beneath = directory == "/" || path.starts_with(directory + "/");
  if (!beneath || path == directory) setting.refuse("is not beneath trust.directory");
  return path;
}

void writeTrust(const Settings& settings, schema::Trust::Builder trust) {
  const std::string& directory = absolutePath(settings.at("trust.directory"));
  const Setting& policy = settings.at("trust.signature_policy");
  trust.setDirectory(directory);
  trust.setPolicy(pathBeneath(directory, policy));
  trust.setMayBeAbsent(!policy.isSet());
  trust.setPolicies(pathBeneath(directory, settings.at("trust.signature_policy_dir")));
  trust.setRegistriesDirectory(absolutePath(settings.at("trust.registries_dir")));
}

}  // namespace

Settings readBulkhead(const std::vector<File>& files) {
  Settings settings(bulkheadKeys());
  for (const File& file : files) settings.read(file.name, file.text);
  if (settings.entries("runtimes").empty()) settings.read("default runtimes", std::string(defaultRuntimes()));
  return settings;
}

void writeConfig(const Settings& settings, const Accounts& accounts, schema::Config::Builder config) {
  writeIdentities(settings, accounts, config.initIdentities());
  writeRuntimes(settings, config);
  config.setCgroupParent(absolutePath(settings.at("cgroup_parent")));
  writeNetwork(settings, config.initNetwork());
  writeRegistries(settings, config);
  config.setLogLevel(oneOf(settings.at("log_level"), {"error", "warning", "info", "debug"}));
  writePull(settings, config.initPull());
  writePinnedImages(settings.at("pinned_images"), config);
  writeFetching(settings, config.initFetching());
  config.setImageVolumes(imageVolumes(settings.at("image_volumes")));
  writeStorage(settings, config.initStorage());
  writeTrust(settings, config.initTrust());
  writeStreaming(settings, config.initStreaming());
}

}  // namespace bulkhead::config
