#include "cli/audit/proc-reader.h"

#include <gtest/gtest.h>
#include <selinux/selinux.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemons/common/base/fd.h"

namespace bulkhead::audit {
namespace {

constexpr const char* sample =
    "Name:\tstorage-zygote\nUmask:\t0077\nState:\tS (sleeping)\nTgid:\t812\n"
    "Uid:\t0\t1\t2\t3\nGid:\t4\t5\t6\t7\nFDSize:\t64\nGroups:\t10 20 \n"
    "CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000200004\n"
    "CapBnd:\t000001fffeffffff\nCapAmb:\t0000000000000002\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:"
    "\t1\n";

std::string without(const std::string& key) {
  std::string text = sample;
  size_t at = text.find("\n" + key + ":");
  return text.erase(at, text.find('\n', at + 1) - at);
}

TEST(ProcReader, readsStatus) {
  auto status = parseStatus(sample);
  ASSERT_TRUE(status);
  EXPECT_EQ(status->name, "storage-zygote");
  EXPECT_EQ(status->state, 'S');
  EXPECT_EQ(status->uids, (std::array<uid_t, 4>{0, 1, 2, 3}));
  EXPECT_EQ(status->gids, (std::array<gid_t, 4>{4, 5, 6, 7}));
  EXPECT_EQ(status->groups, (std::vector<gid_t>{10, 20}));
  EXPECT_EQ(status->inheritable, 1U);
  EXPECT_EQ(status->permitted, 0x1ffffffffffU);
  EXPECT_EQ(status->effective, 0x200004U);
  EXPECT_EQ(status->bounding, 0x1fffeffffffU);
  EXPECT_EQ(status->ambient, 2U);
  EXPECT_TRUE(status->noNewPrivileges);
  EXPECT_EQ(status->seccomp, 2);
}

TEST(ProcReader, refusesStatusWithoutAField) {
  for (const char* key :
       {"Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp"}) {
    EXPECT_FALSE(parseStatus(without(key))) << key;
  }
  EXPECT_FALSE(parseStatus(""));
  EXPECT_FALSE(parseStatus(std::string("Name:\tx\nState:\tS\nUid:\t0 0 0\n")));
}

// The first line of a key counts: what follows cannot override it.
TEST(ProcReader, ignoresRepeatedKeys) {
  EXPECT_EQ(parseStatus(std::string(sample) + "CapEff:\tffff\n")->effective, 0x200004U);
}

TEST(ProcReader, splitsCommandLines) {
  EXPECT_EQ(parseCommandLine(std::string_view("a\0--root\0\0/x\0", 13)),
            (std::vector<std::string>{"a", "--root", "", "/x"}));
  EXPECT_TRUE(parseCommandLine("").empty());
}

TEST(ProcReader, readsSocketTables) {
  constexpr const char* tcp =
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
      "   0: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23456 1 "
      "0000 100 0 0\n";
  EXPECT_EQ(parseSocketTable(tcp, 9), (std::set<std::uint64_t>{23456}));
  EXPECT_TRUE(parseSocketTable("junk\n", 9).empty());
  EXPECT_EQ(parseTcpPorts(tcp), (std::map<std::uint64_t, std::string>{{23456, "0277"}}));
}

TEST(ProcReader, readsUnixTable) {
  constexpr const char* table =
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "0000000000000000: 00000002 00000000 00010000 0001 01 111 /run/a b.sock\n"
      "0000000000000000: 00000003 00000000 00000000 0005 03 222\n";
  auto sockets = parseUnixTable(table);
  ASSERT_EQ(sockets.size(), 2U);
  EXPECT_TRUE(sockets[111].listening);
  EXPECT_EQ(sockets[111].path, "/run/a b.sock");
  EXPECT_FALSE(sockets[222].listening);
  EXPECT_EQ(sockets[222].path, "");
}

TEST(ProcReader, readsBracketedInodes) {
  EXPECT_EQ(parseBracketedInode("net:[4026531840]", "net"), 4026531840U);
  EXPECT_FALSE(parseBracketedInode("net:[4026531840]", "mnt"));
  EXPECT_FALSE(parseBracketedInode("net:[]", "net"));
  EXPECT_FALSE(parseBracketedInode("/dev/null", "socket"));
}

TEST(ProcReader, readsContextsOnlyWhereThereAreAny) {
  bool enabled = ::is_selinux_enabled() == 1;
  EXPECT_EQ(contextOf(::getpid()) != "-", enabled);
  EXPECT_EQ(contextOf(0x3fffffff), "-") << "no such process";
}

TEST(ProcReader, readsThisProcess) {
  Fd inet(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  SocketPair pair = makeSocketPair(SOCK_STREAM);
  // An unbound UDP socket is in no table of the kernel's; it must not be taken for a harmless one.
  SocketTables tables;
  addSocketTables(::getpid(), tables);
  auto self = readProcess(::getpid(), tables);
  ASSERT_TRUE(self);
  EXPECT_EQ(self->status.uids[1], ::geteuid());
  EXPECT_TRUE(self->executable.path.ends_with("audit-test")) << self->executable.path;
  EXPECT_NE(self->netns, 0U);
  EXPECT_NE(self->mountns, 0U);
  EXPECT_GE(self->mountLines, 1U);
  EXPECT_GE(self->inetSockets + self->unknownSockets, 1U);
}

}  // namespace
}  // namespace bulkhead::audit
