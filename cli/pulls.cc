// bulkheadctl pulls
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <map>
#include <thread>

#include "bulkhead/admin/v1/admin.pb.h"
#include "cli/client.h"
#include "cli/commands.h"
#include "cli/json.h"
#include "cli/table.h"

namespace bulkhead::cli {
namespace {

using admin::v1::Admin;
using admin::v1::Pull;

struct Options {
  Target target;
  bool json = false;
};

// A rate wants two looks.
constexpr std::chrono::milliseconds between(500);

admin::v1::ListPullsResponse look(Client& client) {
  return client.call(client.admin(), &Admin::Stub::ListPulls, admin::v1::ListPullsRequest());
}

// One image can be pulled twice, with different credentials, but not begun twice in one nanosecond.
std::map<std::int64_t, std::uint64_t> bytesByStart(const admin::v1::ListPullsResponse& answer) {
  std::map<std::int64_t, std::uint64_t> bytes;
  for (const Pull& pull : answer.pulls()) bytes[pull.started_at()] = pull.bytes_done();
  return bytes;
}

std::string rateText(const Pull& pull, const std::map<std::int64_t, std::uint64_t>& before) {
  auto found = before.find(pull.started_at());
  if (found == before.end() || pull.bytes_done() < found->second) return "-";
  auto perSecond = std::chrono::seconds(1) / between;
  return bytesText((pull.bytes_done() - found->second) * static_cast<std::uint64_t>(perSecond)) + "/s";
}

int pulls(const Options& options) {
  Client client(options.target);
  auto answer = look(client);
  if (options.json) {
    printJson(toJson(answer));
    return 0;
  }
  auto before = bytesByStart(answer);
  if (!before.empty()) std::this_thread::sleep_for(between);
  if (!before.empty()) answer = look(client);
  Table table({"IMAGE", "HOST", "LAYERS", "BYTES", "RATE", "STAGE", "AGE"});
  for (const Pull& pull : answer.pulls()) {
    table.add({pull.reference(), pull.host(),
               std::to_string(pull.layers_done()) + "/" + std::to_string(pull.layers_total()),
               bytesText(pull.bytes_done()) + " / " + bytesText(pull.bytes_total()), rateText(pull, before),
               pull.stage(), ageText(pull.started_at(), nowNanoseconds())});
  }
  std::cout << table.text();
  return 0;
}

}  // namespace

void addPulls(CLI::App& app, Chosen& chosen) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("pulls", "list the pulls that are running: how far, how fast, from where");
  addTargetOptions(*command, options->target);
  addOutputOption(*command, options->json);
  command->callback([&chosen, options] { chosen = [options] { return pulls(*options); }; });
}

}  // namespace bulkhead::cli
