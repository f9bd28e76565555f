// bulkheadctl logs [-f] CONTAINER: what it wrote, without the log format around it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/log-lines.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"

namespace bulkhead::cli {
namespace {

constexpr auto followInterval = std::chrono::milliseconds(100);

struct Options {
  Target target;
  std::string container;
  bool follow = false;
  bool json = false;
};

runtime::v1::ContainerStatus statusOf(Client& client, const std::string& id) {
  runtime::v1::ContainerStatusRequest request;
  request.set_container_id(id);
  return client.call(client.runtime(), &RuntimeService::Stub::ContainerStatus, request).status();
}

bool isOver(Client& client, const std::string& id) {
  try {
    auto state = statusOf(client, id).state();
    return state != runtime::v1::CONTAINER_RUNNING && state != runtime::v1::CONTAINER_CREATED;
  } catch (const CommandError&) {
    return true;  // removed
  }
}

Fd openLog(const std::string& path) {
  // Not blocking: whatever the path names, a pipe included.
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) throw CommandError("cannot open the log " + path + ": " + errnoText(errno));
  return file;
}

// One object a line, so that a program can follow it.
std::string jsonLines(LogReader& reader, std::string_view chunk) {
  std::string text;
  reader.feed(chunk, [&text](std::string_view line, const std::optional<LogEntry>& entry) {
    LogEntry said = entry.value_or(LogEntry{false, false, "", line});
    nlohmann::json object{{"time", said.time},
                          {"stream", said.isStderr ? "stderr" : "stdout"},
                          {"partial", said.partial},
                          {"text", said.payload}};
    text += object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  });
  return text;
}

void printRest(int file, LogReader& reader, bool json) {
  std::array<char, 65536> chunk{};
  while (true) {
    ssize_t n = ::read(file, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    std::string_view read(chunk.data(), static_cast<size_t>(n));
    auto output = json ? LogReader::Output{jsonLines(reader, read), ""} : reader.feed(read);
    if (!writeAll(STDOUT_FILENO, output.standard) || !writeAll(STDERR_FILENO, output.error)) {
      throw CommandError("cannot write the log on");
    }
  }
}

// The log was rotated: its name is another file's now.
bool isReplaced(const std::string& path, int file) {
  struct stat now {};
  struct stat open {};
  if (::stat(path.c_str(), &now) != 0 || ::fstat(file, &open) != 0) return false;
  return now.st_ino != open.st_ino || now.st_dev != open.st_dev;
}

void follow(Client& client, const std::string& id, const std::string& path, Fd file, LogReader& reader,
            bool json) {
  while (true) {
    // Asked before the last read: what it wrote before its end is then not missed.
    bool over = isOver(client, id);
    bool replaced = isReplaced(path, file.get());
    printRest(file.get(), reader, json);
    if (replaced) {
      file = openLog(path);
      reader.restart();
    } else if (over) {
      return;
    } else {
      std::this_thread::sleep_for(followInterval);
    }
  }
}

int logs(const Options& options) {
  Client client(options.target);
  std::string id = client.findContainer(options.container).id;
  std::string path = statusOf(client, id).log_path();
  if (path.empty()) throw CommandError("container '" + options.container + "' was made without a log");
  Fd file = openLog(path);
  LogReader reader;
  printRest(file.get(), reader, options.json);
  if (options.follow) follow(client, id, path, std::move(file), reader, options.json);
  return 0;
}

}  // namespace

void addLogs(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("logs", "print what a container wrote to stdout and stderr");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->add_flag("-f,--follow", options->follow, "go on until the container ends");
  command->add_option("CONTAINER", options->container, "id, unique beginning of one, or name")->required();
  command->callback([&chosen, options] { chosen = [options] { return logs(*options); }; });
}

}  // namespace bulkhead::cli
