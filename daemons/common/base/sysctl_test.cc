#include "daemons/common/base/sysctl.h"

#include <gtest/gtest.h>

namespace bulkhead {
namespace {

std::string parsed(std::string_view text) {
  auto name = SysctlName::parse(text, "f");
  return name ? name->text() : "refused";
}
SysctlScope scopeOf(std::string_view text) {
  return SysctlName::parse(text, "f").value().scope();
}

TEST(Sysctl, BothNotationsMeanTheSame) {
  EXPECT_EQ(parsed("net.ipv4.tcp_syncookies"), "net.ipv4.tcp_syncookies");
  EXPECT_EQ(parsed("net/ipv4/tcp_syncookies"), "net.ipv4.tcp_syncookies");
  EXPECT_EQ(parsed("net.ipv4.conf.eth0-1.forwarding"), "net.ipv4.conf.eth0-1.forwarding");
}

// CVE-2022-0811 and paths that lead elsewhere.
TEST(Sysctl, OddNamesAreRefused) {
  for (std::string_view odd :
       {"", "kernel", ".kernel.sem", "kernel.sem.", "kernel..sem", "/proc/sys/kernel/sem",
        "net/../kernel/core_pattern", "net/ipv4/conf/eth0.100/forwarding", "kernel.sem+kernel.core_pattern",
        "kernel.sem=1", "kernel.sem\n", "kernel.shm_rmid_forced'+'kernel.core_pattern", "a.b.c.d.e.f.g.h.i",
        "net/ipv4/../x", "net.ipv4.*"}) {
    EXPECT_EQ(parsed(odd), "refused") << odd;
  }
  EXPECT_EQ(parsed(std::string("net.\0x", 6)), "refused");
  EXPECT_EQ(parsed("net." + std::string(300, 'x')), "refused");
}

TEST(Sysctl, OddValuesAreRefused) {
  for (std::string_view good : {"1", "1024 65000", "4096\t87380\t6291456", "8000-9000,32768", "cubic"})
    EXPECT_TRUE(checkSysctlValue(good, "f")) << good;
  for (std::string_view odd : {"", "1\n2", "1024 65000'+'net.ipv4.ip_forward=0'", "1+2", "|/bin/sh", "a=b"})
    EXPECT_FALSE(checkSysctlValue(odd, "f")) << odd;
  EXPECT_FALSE(checkSysctlValue(std::string(5000, '1'), "f"));
}

TEST(Sysctl, EachHasItsNamespace) {
  EXPECT_EQ(scopeOf("net.core.somaxconn"), SysctlScope::network);
  EXPECT_EQ(scopeOf("kernel.shm_rmid_forced"), SysctlScope::ipc);
  EXPECT_EQ(scopeOf("fs.mqueue.msg_max"), SysctlScope::ipc);
  EXPECT_EQ(scopeOf("kernel.domainname"), SysctlScope::uts);
  for (const char* node :
       {"kernel.core_pattern", "kernel.hostname", "vm.overcommit_memory", "fs.file-max", "net4.x"})
    EXPECT_EQ(scopeOf(node), SysctlScope::none) << node;
}

TEST(Sysctl, WhatIsSafeIsNamespaced) {
  EXPECT_TRUE(SysctlName::parse("net.ipv4.ping_group_range", "f").value().isSafe());
  EXPECT_FALSE(SysctlName::parse("net.core.somaxconn", "f").value().isSafe());
}

}  // namespace
}  // namespace bulkhead
