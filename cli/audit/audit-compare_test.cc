// Every column must notice a difference: an audit that is green by mistake is worse than none.
#include "cli/audit/audit-compare.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "cli/audit/inventory.h"

namespace bulkhead::audit {
namespace {

using jail::Process;

constexpr std::uint64_t hostNet = 100, hostMount = 200;
constexpr jail::CapabilitySet all = 0x1ffffffffff;

Subject subject() {
  Subject subject;
  subject.accounts.cri = {401, 411};
  subject.accounts.storage = {403, 413};
  subject.accounts.shimBase = 100000;
  subject.accounts.shimCount = 1000;
  subject.layout = Layout::at("/b").value();
  subject.host = {all, hostNet, hostMount, false, 0};
  subject.current["bulkhead-cri"] = {1, 2};
  return subject;
}

// cri as it should be.
ProcessFacts goodCri() {
  ProcessFacts facts;
  facts.pid = 77;
  facts.executable = {"/lib/bulkhead-cri", false};
  facts.device = 1;
  facts.inode = 2;
  facts.status.name = "cri";
  facts.status.uids = {401, 401, 401, 401};
  facts.status.gids = {411, 411, 411, 411};
  facts.status.noNewPrivileges = true;
  facts.status.seccomp = 2;
  facts.netns = hostNet + 1;
  facts.mountns = hostMount;
  facts.mountLines = 40;
  facts.listening = {"/b/run/bulkhead.sock"};
  facts.inetSockets = 3;  // its listener, and two that came in through it
  facts.inetPorts = {"1F90"};
  facts.selinux = "-";
  return facts;
}

ProcessFacts goodShim() {
  ProcessFacts facts = goodCri();
  facts.executable.path = "/lib/bulkhead-shim";
  facts.status.name = "shim";
  facts.status.uids = {100005, 100005, 100005, 100005};
  facts.status.gids = facts.status.uids;
  facts.mountns = hostMount + 1;
  facts.mountLines = 1;
  facts.inetSockets = 0;
  facts.inetPorts.clear();
  facts.listening = {"/b/run/shims/x.sock"};
  return facts;
}

Row compareOne(const ProcessFacts& facts) {
  return compareProcess(*claimedRow(jail::privilegeTable(), facts), facts, subject());
}

TEST(AuditCompare, acceptsWhatIsAsStated) {
  EXPECT_EQ(compareOne(goodCri()).verdict(), "ok");
  EXPECT_EQ(compareOne(goodShim()).verdict(), "ok");
}

struct Difference {
  const char* column;
  std::function<void(ProcessFacts&)> make;
};

void expectNoticed(const ProcessFacts& good, const Difference& difference) {
  ProcessFacts facts = good;
  difference.make(facts);
  Row row = compareOne(facts);
  EXPECT_FALSE(row.agrees()) << difference.column;
  for (const Cell& cell : row.cells) EXPECT_EQ(cell.agrees, cell.column != difference.column) << cell.column;
  EXPECT_NE(row.verdict().find(difference.column), std::string::npos) << row.verdict();
}

TEST(AuditCompare, noticesADifferenceInEachColumn) {
  const Difference differences[] = {
      {"program", [](ProcessFacts& f) { f.executable.path = "/lib/bulkhead-netd"; }},
      {"program", [](ProcessFacts& f) { f.inode = 3; }},
      {"uid", [](ProcessFacts& f) { f.status.uids[2] = 0; }},
      {"gid", [](ProcessFacts& f) { f.status.gids[3] = 0; }},
      {"groups", [](ProcessFacts& f) { f.status.groups = {6}; }},
      {"CapEff", [](ProcessFacts& f) { f.status.effective = 1; }},
      {"CapPrm", [](ProcessFacts& f) { f.status.permitted = 1; }},
      {"CapInh", [](ProcessFacts& f) { f.status.inheritable = 1; }},
      {"CapBnd", [](ProcessFacts& f) { f.status.bounding = 1; }},
      {"CapAmb", [](ProcessFacts& f) { f.status.ambient = 1; }},
      {"NNP", [](ProcessFacts& f) { f.status.noNewPrivileges = false; }},
      {"Seccomp", [](ProcessFacts& f) { f.status.seccomp = 0; }},
      {"netns", [](ProcessFacts& f) { f.netns = hostNet; }},
      {"mountns", [](ProcessFacts& f) { f.mountns = hostMount + 1; }},
      {"inet", [](ProcessFacts& f) { f.inetPorts.insert("1F91"); }},
      {"inet", [](ProcessFacts& f) { f.inetPorts = {"?"}; }},
      {"inet", [](ProcessFacts& f) { f.inetPorts.clear(); }},
      {"inet", [](ProcessFacts& f) { f.unknownSockets = 1; }},
      {"listening", [](ProcessFacts& f) { f.listening.emplace_back("/b/run/mounter/mounter.sock"); }},
  };
  for (const Difference& difference : differences) expectNoticed(goodCri(), difference);
}

ProcessFacts goodLauncher() {
  ProcessFacts facts = goodCri();
  facts.executable = {"/lib/bulkhead-launcher", false};
  facts.status = {};
  facts.status.name = "launcher";
  facts.status.effective = facts.status.permitted = facts.status.bounding = all;
  facts.netns = hostNet;
  facts.listening = {"/b/run/launcher/launcher.sock"};
  return facts;
}

// The executioner of an exec is a fork of the launcher's, under its name, that keeps no door.
TEST(AuditCompare, demandsTheDoorsOfARowNotOfEachOfItsProcesses) {
  ProcessFacts executioner = goodLauncher();
  executioner.listening.clear();
  Report both = compare(jail::privilegeTable(), {goodLauncher(), executioner}, subject());
  ASSERT_EQ(both.rows.size(), 2U);
  EXPECT_EQ(both.rows[0].verdict(), "ok");
  EXPECT_EQ(both.rows[1].verdict(), "ok");
  Report alone = compare(jail::privilegeTable(), {executioner}, subject());
  ASSERT_EQ(alone.rows.size(), 1U);
  EXPECT_EQ(alone.rows[0].verdict(), "DIFFERS: listening stated /b/run/launcher/launcher.sock, seen none");
  ProcessFacts deaf = goodCri();
  deaf.listening.clear();
  EXPECT_FALSE(compare(jail::privilegeTable(), {deaf}, subject()).rows[0].agrees());
  deaf.listening = {"/b/run/shims/x.sock"};
  EXPECT_FALSE(compare(jail::privilegeTable(), {goodCri(), deaf}, subject()).rows[1].agrees());
}

// network.plugin_capabilities replaces the default set of the table.
TEST(AuditCompare, expectsTheConfiguredCapabilitiesOfTheCniRunner) {
  constexpr jail::CapabilitySet configured = 1 << 12;  // CAP_NET_ADMIN
  ProcessFacts facts = goodLauncher();
  facts.executable.path = "/lib/bulkhead-cni-runner";
  facts.status.name = "cni-runner";
  facts.status.effective = facts.status.permitted = facts.status.bounding = configured;
  facts.listening.clear();
  Subject wanted = subject();
  const jail::Privileges& row = jail::privilegesOf(Process::cniRunner);
  EXPECT_FALSE(compareProcess(row, facts, wanted).agrees());
  wanted.pluginCapabilities = configured;
  EXPECT_EQ(compareProcess(row, facts, wanted).verdict(), "ok");
  facts.status.effective = facts.status.permitted = facts.status.bounding = row.capabilities;
  EXPECT_FALSE(compareProcess(row, facts, wanted).agrees()) << "more than configured";
}

TEST(Inventory, readsCapabilitiesByName) {
  EXPECT_EQ(capabilitySetOf({"CAP_NET_ADMIN", "CAP_CHOWN"}), (1U << 12) | 1U);
  EXPECT_EQ(capabilitySetOf({}), 0U);
  EXPECT_EQ(capabilitySetOf({"CAP_NO_SUCH", ""}), 0U);
}

TEST(AuditCompare, noticesADifferenceOfAShim) {
  const Difference differences[] = {
      {"uid",
       [](ProcessFacts& f) {
         f.status.uids = {99999, 99999, 99999, 99999}, f.status.gids = f.status.uids;
       }},
      {"uid",
       [](ProcessFacts& f) {
         f.status.uids = {101000, 101000, 101000, 101000}, f.status.gids = f.status.uids;
       }},
      {"uid", [](ProcessFacts& f) { f.status.uids[1] = 100006; }},
      {"gid",
       [](ProcessFacts& f) {
         f.status.gids = {100006, 100006, 100006, 100006};
       }},
      {"mountns", [](ProcessFacts& f) { f.mountns = hostMount; }},
      {"mounts", [](ProcessFacts& f) { f.mountLines = 2; }},
      {"listening", [](ProcessFacts& f) { f.listening = {"/b/run/launcher/launcher.sock"}; }},
  };
  for (const Difference& difference : differences) expectNoticed(goodShim(), difference);
}

TEST(AuditCompare, toleratesAReplacedProgram) {
  ProcessFacts facts = goodCri();
  facts.executable.deleted = true;
  facts.inode = 3;
  EXPECT_EQ(compareOne(facts).verdict(), "ok");
}

// What the host cannot give is not missed, and said.
TEST(AuditCompare, subtractsWhatTheHostLacks) {
  constexpr int sysResource = 24;
  Subject host = subject();
  host.host.bounding &= ~(jail::CapabilitySet{1} << sysResource);
  ProcessFacts facts = goodCri();
  facts.executable = {"/lib/bulkhead-launcher", false};
  facts.status = {};
  facts.status.name = "launcher";
  facts.status.effective = facts.status.permitted = facts.status.bounding = host.host.bounding;
  facts.netns = hostNet;
  facts.listening = {"/b/run/launcher/launcher.sock"};
  EXPECT_EQ(compareProcess(jail::privilegesOf(Process::launcher), facts, host).verdict(), "ok");
  EXPECT_FALSE(compareProcess(jail::privilegesOf(Process::launcher), facts, subject()).agrees());
  Report report = compare(jail::privilegeTable(), {facts}, host);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("CAP_SYS_RESOURCE"), std::string::npos);
}

// A filter around the whole host (a container) is not a difference of a process that is stated to have none.
TEST(AuditCompare, allowsForWallsAroundTheHost) {
  Subject host = subject();
  host.host.seccomp = 2;
  host.host.noNewPrivileges = true;
  ProcessFacts facts = goodCri();
  facts.status.name = "launcher";
  Row row = compareProcess(jail::privilegesOf(Process::launcher), facts, host);
  for (const Cell& cell : row.cells) {
    bool concerned = cell.column == "NNP" || cell.column == "Seccomp";
    EXPECT_TRUE(cell.agrees || !concerned) << cell.column;
  }
}

TEST(AuditCompare, reportsUnknownAndMissingProcesses) {
  ProcessFacts stranger = goodCri();
  stranger.status.name = "evil";
  Report report = compare(jail::privilegeTable(), {goodCri(), stranger}, subject());
  ASSERT_EQ(report.rows.size(), 2U);
  EXPECT_TRUE(report.rows[0].agrees());
  EXPECT_FALSE(report.rows[1].agrees());
  EXPECT_NE(report.rows[1].verdict().find("no process of the table"), std::string::npos);
  EXPECT_TRUE(std::ranges::count(report.missing, "mounter"));
  EXPECT_FALSE(std::ranges::count(report.missing, "cri"));
  EXPECT_TRUE(std::ranges::count(report.notRunning, "shim"));
  EXPECT_FALSE(report.agrees());
}

// comm is the process's own to set: a claim to be a more powerful one does not make it green.
TEST(AuditCompare, doesNotTrustTheNameAlone) {
  ProcessFacts facts = goodCri();
  facts.status.name = "launcher";
  facts.status.effective = facts.status.permitted = facts.status.bounding = all;
  Row row = compareOne(facts);
  EXPECT_NE(row.verdict().find("program stated bulkhead-launcher"), std::string::npos) << row.verdict();
}

TEST(Inventory, findsTheInstanceByItsRoot) {
  EXPECT_TRUE(namesRoot({"p", "--root", "/b"}, "/b"));
  EXPECT_TRUE(namesRoot({"p", "--root=/b"}, "/b"));
  EXPECT_FALSE(namesRoot({"p", "--root", "/bb"}, "/b"));
  EXPECT_FALSE(namesRoot({"p"}, "/b"));
  EXPECT_TRUE(namesRoot({"p", "--config", "/c"}, ""));
  EXPECT_FALSE(namesRoot({"p", "--root", "/b"}, ""));
  EXPECT_FALSE(namesRoot({"p", "--root"}, "/b"));
}

}  // namespace
}  // namespace bulkhead::audit
