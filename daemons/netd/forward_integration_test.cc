// Forwarded ports at netd's door: real netd, real helpers, and a caller who is bulkhead-cri. Bytes through
// real pods are tests/integration/test_port_forward.py's.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

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
  char byte = 0;
  EXPECT_EQ(::recv(ours.get(), &byte, 1, 0), 0) << "nobody holds the other side";
}

TEST_F(Forward, WithItNobodyListeningIsTheFirstByte) {
  netd.writeCeiling("host_network = true\n");
  netd.start();
  EXPECT_FALSE(forward(podId, 1, true, theirs()));
  char byte = 0;
  ASSERT_EQ(::recv(ours.get(), &byte, 1, 0), 1);
  EXPECT_EQ(byte, ECONNREFUSED);
  EXPECT_EQ(::recv(ours.get(), &byte, 1, 0), 0);
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
