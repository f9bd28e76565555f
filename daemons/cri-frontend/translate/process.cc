#include "daemons/cri-frontend/translate/process.h"

#include <algorithm>

#include "daemons/cri-frontend/translate/fields.h"
#include "daemons/cri-frontend/translate/first-refusal.h"
#include "ipc/limits.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;

constexpr const char* defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

class Environment {
 public:
  void set(const std::string& key, const std::string& value) {
    std::string entry = key + "=" + value;
    auto same = [&key](const std::string& other) { return other.starts_with(key + "="); };
    auto found = std::find_if(entries_.begin(), entries_.end(), same);
    if (found == entries_.end()) {
      entries_.push_back(std::move(entry));
    } else {
      *found = std::move(entry);
    }
  }
  std::vector<std::string> entries() && { return std::move(entries_); }

 private:
  std::vector<std::string> entries_;
};

void checkHome(const std::string& key, const std::string& value, const std::string& field, FirstRefusal& no) {
  if (key != "HOME") return;
  bool plain = std::none_of(value.begin(), value.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == ':';
  });
  no.unless(plain, field, "a HOME with control bytes or ':' is refused");
}

bool isBeneathProc(std::string_view path) {
  path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
  return path.substr(0, path.find('/')) == "proc";
}

Outcome<void> checkTotal(const std::vector<std::string>& texts, const std::string& field) {
  size_t total = 0;
  for (const auto& text : texts) total += text.size() + 1;
  if (total > limits::argumentsTotal) return invalid(field, "is longer than 2 MiB in all");
  return {};
}

}  // namespace

Outcome<std::vector<std::string>> processArgs(const v1::ContainerConfig& config, const StoredImage& image) {
  FirstRefusal no;
  std::vector<std::string> args;
  auto append = [&](const auto& from, const char* field) {
    int i = 0;
    for (const std::string& arg : from) {
      no.note(checkArgument(arg, indexed(field, i++)));
      args.push_back(arg);
    }
  };
  if (config.command().empty()) {
    append(image.entrypoint, "image.config.entrypoint");
  } else {
    append(config.command(), "config.command");
  }
  append(config.args(), "config.args");
  if (config.command().empty() && config.args().empty()) append(image.command, "image.config.cmd");
  no.unless(!args.empty() && !args[0].empty(), "config.command",
            "is empty, and the image has neither an entry point nor a command");
  no.note(checkTotal(args, "config.command"));
  if (no) return no.refusal();
  return args;
}

Outcome<std::vector<std::string>> processEnv(const v1::ContainerConfig& config, const StoredImage& image,
                                             const std::string& hostname) {
  FirstRefusal no;
  Environment env;
  env.set("PATH", defaultPath);
  if (config.tty()) env.set("TERM", "xterm");
  env.set("HOSTNAME", hostname);
  for (size_t i = 0; i < image.env.size(); ++i) {
    std::string field = indexed("image.config.env", static_cast<int>(i));
    size_t equals = image.env[i].find('=');
    if (equals == 0 || equals == std::string::npos) continue;  // sets nothing
    std::string key = image.env[i].substr(0, equals);
    std::string value = image.env[i].substr(equals + 1);
    no.note(checkArgument(image.env[i], field));
    checkHome(key, value, field, no);
    env.set(key, value);
  }
  for (int i = 0; i < config.envs_size(); ++i) {
    std::string field = indexed("config.envs", i);
    const auto& [key, value] = std::pair(config.envs(i).key(), config.envs(i).value());
    no.unless(!key.empty() && key.find('=') == key.npos, field + ".key", "is empty or contains '='");
    no.note(checkArgument(key, field + ".key"));
    no.note(checkArgument(value, field + ".value"));
    checkHome(key, value, field + ".value", no);
    env.set(key, value);
  }
  auto entries = std::move(env).entries();
  no.note(checkTotal(entries, "config.envs"));
  if (no) return no.refusal();
  return entries;
}

Outcome<std::string> processDirectory(const v1::ContainerConfig& config, const StoredImage& image) {
  bool own = !config.working_dir().empty();
  const std::string& directory = own ? config.working_dir() : image.workingDirectory;
  const std::string field = own ? "config.working_dir" : "image.config.workingDir";
  if (directory.empty()) return std::string("/");
  if (auto checked = checkAbsolutePath(directory, field); !checked) return tl::unexpected(checked.error());
  // A descriptor that the OCI runtime still has open would be a way out (CVE-2024-21626).
  if (isBeneathProc(directory)) return invalid(field, "is in /proc");
  return directory;
}

}  // namespace bulkhead::cri
