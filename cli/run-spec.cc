#include "cli/run-spec.h"

namespace bulkhead::cli {

Outcome<runtime::v1::KeyValue> parseVariable(const std::string& text) {
  size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) return invalid("-e " + text, "is not NAME=VALUE");
  runtime::v1::KeyValue variable;
  variable.set_key(text.substr(0, equals));
  variable.set_value(text.substr(equals + 1));
  return variable;
}

Outcome<runtime::v1::Mount> parseVolume(const std::string& text) {
  size_t first = text.find(':');
  std::string source = text.substr(0, first);
  std::string rest = first == std::string::npos ? "" : text.substr(first + 1);
  size_t second = rest.find(':');
  std::string destination = rest.substr(0, second);
  std::string mode = second == std::string::npos ? "" : rest.substr(second + 1);
  bool good = source.starts_with('/') && destination.starts_with('/') &&
              (second == std::string::npos || mode == "ro" || mode == "rw");
  if (!good) return invalid("-v " + text, "is not SRC:DST[:ro] with absolute paths");
  runtime::v1::Mount mount;
  mount.set_host_path(source);
  mount.set_container_path(destination);
  mount.set_readonly(mode == "ro");
  return mount;
}

runtime::v1::PodSandboxConfig podConfigOf(const RunOptions& options) {
  runtime::v1::PodSandboxConfig config;
  auto* metadata = config.mutable_metadata();
  metadata->set_name(options.pod);
  metadata->set_namespace_(options.podNamespace);
  metadata->set_uid(options.uid);
  if (!options.hostNetwork) config.set_hostname(options.pod);
  config.set_log_directory(options.logRoot + "/" + options.podNamespace + "_" + options.pod + "_" +
                           options.uid);
  auto* security = config.mutable_linux()->mutable_security_context();
  auto* namespaces = security->mutable_namespace_options();
  namespaces->set_network(options.hostNetwork ? runtime::v1::NODE : runtime::v1::POD);
  namespaces->set_pid(runtime::v1::CONTAINER);
  return config;
}

Outcome<runtime::v1::ContainerConfig> containerConfigOf(const RunOptions& options) {
  runtime::v1::ContainerConfig config;
  config.mutable_metadata()->set_name(options.name);
  config.mutable_image()->set_image(options.image);
  config.mutable_image()->set_user_specified_image(options.image);
  config.set_log_path(options.name + "/0.log");
  for (const std::string& argument : options.arguments) config.add_args(argument);
  for (const std::string& text : options.environment) {
    auto variable = parseVariable(text);
    if (!variable) return tl::unexpected(variable.error());
    *config.add_envs() = std::move(*variable);
  }
  for (const std::string& text : options.volumes) {
    auto mount = parseVolume(text);
    if (!mount) return tl::unexpected(mount.error());
    *config.add_mounts() = std::move(*mount);
  }
  auto* security = config.mutable_linux()->mutable_security_context();
  security->set_readonly_rootfs(options.readOnly);
  auto* namespaces = security->mutable_namespace_options();
  namespaces->set_network(options.hostNetwork ? runtime::v1::NODE : runtime::v1::POD);
  namespaces->set_pid(runtime::v1::CONTAINER);
  return config;
}

}  // namespace bulkhead::cli
