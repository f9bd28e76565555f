#include "daemons/imaged/proxies.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

namespace bulkhead::imaged {
namespace {

TEST(Proxies, TheConfigurationComesBeforeTheEnvironment) {
  ASSERT_EQ(::setenv("https_proxy", "http://lower:1", 1), 0);
  ASSERT_EQ(::setenv("HTTPS_PROXY", "http://upper:1", 1), 0);
  ASSERT_EQ(::setenv("no_proxy", "a.test", 1), 0);
  auto environment = EnvironmentProxies::read();
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "no_proxy"}) (void)::unsetenv(name);
  EXPECT_EQ(environment.https, "http://upper:1");
  EXPECT_EQ(environment.http, "");

  capnp::MallocMessageBuilder configured, merged;
  auto own = configured.initRoot<schema::Proxies>();
  own.setHttp("http://own:1");
  auto to = merged.initRoot<schema::Proxies>();
  mergeProxies(own.asReader(), environment, to);
  EXPECT_STREQ(to.getHttp().cStr(), "http://own:1");
  EXPECT_STREQ(to.getHttps().cStr(), "http://upper:1");
  EXPECT_STREQ(to.getNoProxy().cStr(), "a.test");
}

}  // namespace
}  // namespace bulkhead::imaged
