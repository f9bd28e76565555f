#include "daemons/imaged/fetcher/proxy-choice.h"

#include <gtest/gtest.h>

namespace bulkhead::fetcher {
namespace {

const Proxies proxies{"http://plain.proxy:1", "http://tls.proxy:1",
                      "direct.test, 10.0.0.0/8,fd00::/8,.sub.test"};

TEST(ProxyChoice, GoesByTheScheme) {
  EXPECT_EQ(proxyFor(*Url::parse("http://a.test/"), proxies), "http://plain.proxy:1");
  EXPECT_EQ(proxyFor(*Url::parse("https://a.test/"), proxies), "http://tls.proxy:1");
  EXPECT_EQ(proxyFor(*Url::parse("https://a.test/"), {}), "");
}

TEST(ProxyChoice, ReachesTheNodeItselfDirectly) {
  for (const char* url : {"http://localhost:5000/", "http://127.0.0.1/", "http://127.9.9.9/",
                          "http://[::1]:5000/", "http://[::ffff:127.0.0.1]/", "https://direct.test/",
                          "http://10.1.2.3/", "http://[fd00::1]/", "https://x.sub.test/"}) {
    EXPECT_EQ(proxyFor(*Url::parse(url), proxies), "") << url;
  }
  for (const char* url :
       {"http://11.0.0.1/", "http://[fe00::1]/", "https://sub.test/", "https://notdirect.test/"})
    EXPECT_NE(proxyFor(*Url::parse(url), proxies), "") << url;
}

TEST(ProxyChoice, KnowsEveryFormOfAnExemption) {
  EXPECT_TRUE(isExempt("any.test", "443", "*"));
  EXPECT_TRUE(isExempt("a.test", "443", "A.TEST"));
  EXPECT_TRUE(isExempt("x.a.test", "443", "a.test"));
  EXPECT_TRUE(isExempt("x.a.test", "443", "*.a.test"));
  EXPECT_FALSE(isExempt("a.test", "443", ".a.test"));
  EXPECT_TRUE(isExempt("a.test", "5000", "b.test,a.test:5000"));
  EXPECT_FALSE(isExempt("a.test", "5000", "a.test:443"));
  EXPECT_TRUE(isExempt("192.0.2.1", "80", "192.0.2.1"));
  EXPECT_FALSE(isExempt("192.0.2.10", "80", "192.0.2.1"));
  EXPECT_TRUE(isExempt("[2001:db8::1]", "80", "2001:db8:0::1"));
  EXPECT_TRUE(isExempt("[2001:db8::1]", "5000", "[2001:db8::1]:5000"));
  EXPECT_TRUE(isExempt("192.0.2.129", "80", "192.0.2.128/25"));
  EXPECT_FALSE(isExempt("192.0.2.127", "80", "192.0.2.128/25"));
  for (const char* odd :
       {"", ",", ",,", "/", "a/b", "1.2.3.4/99", "1.2.3.4/-1", "1.2.3.4/", ":", ":443", "."})
    EXPECT_FALSE(isExempt("a.test", "443", odd)) << odd;
}

}  // namespace
}  // namespace bulkhead::fetcher
