#include "cli/run-spec.h"

#include <gtest/gtest.h>

namespace bulkhead::cli {
namespace {

TEST(RunSpec, parsesVariables) {
  auto variable = parseVariable("A=b=c");
  ASSERT_TRUE(variable);
  EXPECT_EQ(variable->key(), "A");
  EXPECT_EQ(variable->value(), "b=c");
  EXPECT_EQ(parseVariable("A=")->value(), "");
  EXPECT_FALSE(parseVariable("A"));
  EXPECT_FALSE(parseVariable("=b"));
}

TEST(RunSpec, parsesVolumes) {
  auto mount = parseVolume("/a:/b:ro");
  ASSERT_TRUE(mount);
  EXPECT_EQ(mount->host_path(), "/a");
  EXPECT_EQ(mount->container_path(), "/b");
  EXPECT_TRUE(mount->readonly());
  EXPECT_FALSE(parseVolume("/a:/b")->readonly());
  for (const char* bad : {"", "/a", "a:/b", "/a:b", "/a:/b:", "/a:/b:rx", "/a:/b:ro:ro", ":/b"}) {
    EXPECT_FALSE(parseVolume(bad)) << bad;
  }
}

TEST(RunSpec, makesConfigsLikeTheKubelet) {
  RunOptions options;
  options.image = "busybox";
  options.name = "main";
  options.pod = "web";
  options.uid = "u-1";
  options.logRoot = "/logs";
  options.arguments = {"echo", "hi"};
  options.environment = {"A=b"};
  options.hostNetwork = true;
  auto pod = podConfigOf(options);
  EXPECT_EQ(pod.log_directory(), "/logs/default_web_u-1");
  EXPECT_EQ(pod.linux().security_context().namespace_options().network(), runtime::v1::NODE);
  auto container = containerConfigOf(options);
  ASSERT_TRUE(container);
  EXPECT_EQ(container->log_path(), "main/0.log");
  EXPECT_EQ(container->args_size(), 2);
  EXPECT_EQ(container->command_size(), 0);
  EXPECT_EQ(container->envs(0).key(), "A");
}

TEST(RunSpec, refusesABadVolume) {
  RunOptions options;
  options.volumes = {"relative:/x"};
  auto container = containerConfigOf(options);
  ASSERT_FALSE(container);
  EXPECT_EQ(container.error().field, "-v relative:/x");
}

}  // namespace
}  // namespace bulkhead::cli
