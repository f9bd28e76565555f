// Forwarded ports at netd's door: real netd, real helpers, and a caller who is bulkhead-cri. Bytes through
// real pods are tests/integration/test_port_forward.py's.
#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "daemons/common/base/fd.h"
#include "daemons/netd/testing/netd-instance.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::netd {
namespace {

const std::string podId(64, 'a');

class Forward : public ::testing::Test {
 protected:
  // nullopt: ok.
  std::optional<Refusal> forward(const std::string& pod, uint16_t port, bool ofNode, Fd connection) {
    auto request = netd.client().forwardRequest();
    request.setPodId(pod);
    request.setPort(port);
    request.setOfNode(ofNode);
    if (connection) request.setConnection(ipc::makeFile(std::move(connection)));
    auto response = request.send().wait(netd.io.waitScope);
    auto result = response.getResult();
    if (result.isRefused()) return ipc::readRefusal(result.getRefused());
    return std::nullopt;
  }
  Fd theirs() {
    auto pair = makeSocketPair(SOCK_STREAM);
    ours = std::move(pair.first);
    return std::move(pair.second);
  }
  // The next byte of our side; nullopt at its end. The loop turns meanwhile, for this process holds the
  // other side too until netd's release of the capability was read.
  std::optional<int> next() {
    for (int tries = 0; tries < 1000; ++tries) {
      netd.io.waitScope.poll();
      unsigned char byte = 0;
      ssize_t got = ::recv(ours.get(), &byte, 1, MSG_DONTWAIT);
      if (got == 1) return byte;
      if (got == 0) return std::nullopt;
      pollfd readable{.fd = ours.get(), .events = POLLIN, .revents = 0};
      ::poll(&readable, 1, 10);
    }
    throw std::runtime_error("neither a byte nor the end within ten seconds");
  }
  testing::NetdInstance netd;
  Fd ours;
};

TEST_F(Forward, NeedsAPodWithANetworkAndAPort) {
  netd.start();
  EXPECT_EQ(forward(podId, 80, false, theirs())->code, Code::notFound);
  EXPECT_EQ(forward("../x", 80, false, theirs())->field, "podId");
  EXPECT_EQ(forward(podId, 0, false, theirs())->field, "port");
}

TEST_F(Forward, TheNodesPortsNeedTheCeiling) {
  netd.start();
  auto refusal = forward(podId, 80, true, theirs());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->code, Code::permissionDenied);
  EXPECT_FALSE(next()) << "nobody holds the other side";
}

// This test has a network namespace of its own (CMakeLists.txt), which begins with its loopback down.
void raiseLoopback() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq loopback{.ifr_ifrn = {"lo"}, .ifr_ifru = {}};
  loopback.ifr_flags = IFF_UP;
  ASSERT_EQ(::ioctl(socket.get(), SIOCSIFFLAGS, &loopback), 0) << std::strerror(errno);
}

TEST_F(Forward, WithItNobodyListeningIsTheFirstByte) {
  raiseLoopback();
  netd.writeCeiling("host_network = true\n");
  netd.start();
  EXPECT_FALSE(forward(podId, 1, true, theirs()));
  EXPECT_EQ(next(), ECONNREFUSED);
  EXPECT_FALSE(next());
}

TEST_F(Forward, OnlyAStreamSocketIsPassedOn) {
  netd.writeCeiling("host_network = true\n");
  netd.start();
  EXPECT_EQ(forward(podId, 1, true, Fd())->field, "connection");
  EXPECT_EQ(forward(podId, 1, true, makePipe().write)->field, "connection");
  EXPECT_EQ(forward(podId, 1, true, makeSocketPair(SOCK_SEQPACKET).second)->field, "connection");
  EXPECT_EQ(forward(podId, 1, true, Fd(::socket(AF_INET, SOCK_STREAM, 0)))->field, "connection");
  EXPECT_FALSE(forward(podId, 1, true, theirs())) << "netd is still there";
}

}  // namespace
}  // namespace bulkhead::netd
