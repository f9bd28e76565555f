#include "daemons/netd/pod-network.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include "daemons/common/base/address.h"

namespace bulkhead::netd {
namespace {

class PodNetworkTest : public ::testing::Test {
 protected:
  // The message builder's destructor may throw, a test's may not.
  ~PodNetworkTest() noexcept override {}  // NOLINT(modernize-use-equals-default)
  PodNetworkTest() {
    pod.setPodId(std::string(64, 'a'));
    pod.setName("web-0.example_1");
    pod.setNamespace("default");
    pod.setUid("1-2-3");
  }

  capnp::MallocMessageBuilder message;
  schema::PodNetwork::Builder pod = message.initRoot<schema::PodNetwork>();
};

TEST_F(PodNetworkTest, TakesNamesOfKubernetesOnly) {
  EXPECT_TRUE(parsePodNetwork(pod));
  // The last one is not UTF-8: a record of it could not be written.
  for (const char* bad : {"a;b", "a=b", "a b", "a\nb", "a/b", "\xc3\xa4", "\xff"}) {
    pod.setName(bad);
    auto parsed = parsePodNetwork(pod);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().field, "name");
  }
  pod.setName(std::string(254, 'a'));
  EXPECT_FALSE(parsePodNetwork(pod));
}

TEST_F(PodNetworkTest, SpellsAddressesOneWay) {
  auto mapping = pod.initPortMappings(1)[0];
  mapping.setContainerPort(80);
  mapping.setHostPort(80);
  mapping.setHostIp("0:0::1");
  EXPECT_EQ(parsePodNetwork(pod)->portMappings.at(0).hostIp, "::1");
}

TEST_F(PodNetworkTest, TakesAnnotationsOfKubernetesOnly) {
  auto annotation = pod.initAnnotations(1)[0];
  annotation.setKey("key");
  std::string value(200 * 1024, 'x');
  annotation.setValue(kj::arrayPtr(value.data(), value.size()).asBytes());
  EXPECT_EQ(parsePodNetwork(pod)->facts.annotations.at("key"), value);
  value.resize(256 * 1024);
  annotation.setValue(kj::arrayPtr(value.data(), value.size()).asBytes());
  EXPECT_EQ(parsePodNetwork(pod).error().field, "annotations");
  value = "\xff";
  annotation.setValue(kj::arrayPtr(value.data(), value.size()).asBytes());
  EXPECT_EQ(parsePodNetwork(pod).error().field, "annotations") << "a record of it could not be written";
}

TEST(Address, IsWholeOrNothing) {
  for (const char* good : {"10.0.0.1", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"}) {
    EXPECT_TRUE(isAddress(good)) << good;
  }
  for (const char* bad : {"", "10.0.0", "10.0.0.1/24", "fe80::1%eth0", "x"})
    EXPECT_FALSE(isAddress(bad)) << bad;
  EXPECT_FALSE(isAddress(std::string("10.0.0.1\0; and more", 19)));
}

}  // namespace
}  // namespace bulkhead::netd
