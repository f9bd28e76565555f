#include "daemons/cri-frontend/translate/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "daemons/cri-frontend/translate/signals.h"
#include "daemons/cri-frontend/translate/user.h"

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;

StoredImage image() {
  return StoredImage{.id = ImageId::generate(), .entrypoint = {"/entry"}, .command = {"image-arg"}};
}

TEST(ProcessArgs, RefusesNothingAndNul) {
  StoredImage empty{.id = ImageId::generate()};
  EXPECT_EQ(processArgs({}, empty).error().field, "config.command");
  v1::ContainerConfig config;
  config.add_command(std::string("a\0b", 3));
  EXPECT_EQ(processArgs(config, empty).error().field, "config.command[0]");
}

// Each in the list that it came from, not in the merged one that the launcher sees.
TEST(ProcessArgs, NamesTheBadOneWhereItStands) {
  v1::ContainerConfig config;
  config.add_args("fine");
  config.add_args("\xff");
  EXPECT_EQ(describe(processArgs(config, image()).error()), "config.args[1]: is not UTF-8 text");
  config.add_command("\xff");
  EXPECT_EQ(processArgs(config, image()).error().field, "config.command[0]");
  auto from = image();
  from.command.push_back("\xff");
  EXPECT_EQ(processArgs({}, from).error().field, "image.config.cmd[1]");
}

TEST(ProcessArgs, CommandReplacesBothArgsReplaceOne) {
  v1::ContainerConfig config;
  EXPECT_THAT(*processArgs(config, image()), ElementsAre("/entry", "image-arg"));
  config.add_args("own");
  EXPECT_THAT(*processArgs(config, image()), ElementsAre("/entry", "own"));
  config.add_command("/own");
  EXPECT_THAT(*processArgs(config, image()), ElementsAre("/own", "own"));
  config.clear_args();
  EXPECT_THAT(*processArgs(config, image()), ElementsAre("/own"));
}

TEST(ProcessEnv, RefusesBadNamesAndHome) {
  auto with = [](const std::string& key, const std::string& value) {
    v1::ContainerConfig config;
    config.add_envs()->set_key(key);
    config.mutable_envs(0)->set_value(value);
    return processEnv(config, image(), "host");
  };
  EXPECT_EQ(with("", "x").error().field, "config.envs[0].key");
  EXPECT_EQ(with("A=B", "x").error().field, "config.envs[0].key");
  EXPECT_EQ(with("A", std::string("\0", 1)).error().field, "config.envs[0].value");
  EXPECT_FALSE(with("HOME", "/root\nmalicious::0:0::/:/bin/bash"));
  EXPECT_FALSE(with("HOME", "/root:x"));
  EXPECT_TRUE(with("HOME", "/root\\n"));
  EXPECT_TRUE(with("WORDS", "\u00fcber \U0001f40b"));
  for (const std::string bad : {"\xff\xfe", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80"}) {
    EXPECT_EQ(describe(with("BINARY", bad).error()), "config.envs[0].value: is not UTF-8 text");
  }
}

TEST(ProcessEnv, RequestWinsOverImageOverDefaults) {
  auto from = image();
  from.env = {"PATH=/image", "A=image", "odd", "=odd"};
  v1::ContainerConfig config;
  config.add_envs()->set_key("A");
  config.mutable_envs(0)->set_value("request");
  EXPECT_THAT(*processEnv(config, from, "host"), ElementsAre("PATH=/image", "HOSTNAME=host", "A=request"));
}

// CVE-2024-21626.
TEST(ProcessDirectory, IsNeverInProc) {
  for (const std::string bad : {"/proc", "/proc/self/fd/7", "//proc/1/cwd", "relative", "/a/../proc"}) {
    v1::ContainerConfig config;
    config.set_working_dir(bad);
    EXPECT_EQ(processDirectory(config, image()).error().field, "config.working_dir") << bad;
    auto from = image();
    from.workingDirectory = bad;
    EXPECT_EQ(processDirectory({}, from).error().field, "image.config.workingDir") << bad;
  }
  EXPECT_EQ(*processDirectory({}, image()), "/");
}

std::string refusedField(const v1::LinuxContainerSecurityContext& context,
                         const std::string& imageUser = "") {
  auto plan = planUser(context, imageUser);
  return plan ? "not refused" : plan.error().field;
}

// CVE-2024-40635, CVE-2026-46680.
TEST(User, RefusesNumbersThatAreNone) {
  for (const std::string bad :
       {"4294967296", "4294967295", "-1000", "405:4294967296", "0:99999999999999999999", "1:2:3", " 1"}) {
    EXPECT_EQ(refusedField({}, bad), "image.config.user") << bad;
  }
  const std::string prefix = "config.linux.security_context.";
  v1::LinuxContainerSecurityContext context;
  context.mutable_run_as_group()->set_value(5);
  EXPECT_EQ(refusedField(context), prefix + "run_as_group");
  context.mutable_run_as_user()->set_value(4294967296);
  EXPECT_EQ(refusedField(context), prefix + "run_as_user");
  context.set_run_as_username("1000");
  EXPECT_EQ(refusedField(context), prefix + "run_as_username");
  context.clear_run_as_user();
  for (const std::string bad : {"4294967296", "a:b", "app\nevil::0:0::/:"}) {
    context.set_run_as_username(bad);
    EXPECT_EQ(refusedField(context), prefix + "run_as_username") << bad;
  }
  context.set_run_as_username("app");
  EXPECT_EQ(refusedField(context), "not refused");
  context.mutable_run_as_group()->set_value(-1);
  EXPECT_EQ(refusedField(context), prefix + "run_as_group");
}

TEST(User, RequestWinsAndPrimaryGroupIsSupplementary) {
  v1::LinuxContainerSecurityContext context;
  EXPECT_EQ(planUser(context, "app:staff")->asked, "app:staff");
  context.mutable_run_as_user()->set_value(1000);
  auto plan = planUser(context, "app:staff");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->asked, "1000");
  EXPECT_EQ(combine(*plan, {1000, 7, {60}}).gid, 7U);
  context.mutable_run_as_group()->set_value(5);
  context.add_supplemental_groups(7);
  context.add_supplemental_groups(5);
  auto user = combine(*planUser(context, ""), {1000, 1001, {60, 7}});
  EXPECT_EQ(user.uid, 1000U);
  EXPECT_EQ(user.gid, 5U);
  EXPECT_THAT(user.groups, ElementsAre(5U, 7U, 60U));
  context.set_supplemental_groups_policy(v1::SupplementalGroupsPolicy::Strict);
  EXPECT_THAT(combine(*planUser(context, ""), {1000, 1001, {60}}).groups, ElementsAre(5U, 7U));
}

// The image is looked into only if its files have a say.
TEST(User, KnowsWhatNeedsNoLookup) {
  v1::LinuxContainerSecurityContext context;
  EXPECT_FALSE(knownUser(*planUser(context, "1000:1001")));  // its memberships count
  context.set_supplemental_groups_policy(v1::SupplementalGroupsPolicy::Strict);
  EXPECT_EQ(knownUser(*planUser(context, "1000:1001"))->gid, 1001U);
  EXPECT_FALSE(knownUser(*planUser(context, "1000")));  // its group is in /etc/passwd
  EXPECT_FALSE(knownUser(*planUser(context, "app:1001")));
  EXPECT_FALSE(knownUser(*planUser(context, "1000:staff")));
  context.mutable_run_as_user()->set_value(1000);
  context.mutable_run_as_group()->set_value(5);
  EXPECT_EQ(knownUser(*planUser(context, "app"))->gid, 5U);
}

TEST(StopSignal, RequestThenImageThenTerm) {
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_SIGQUIT, "SIGUSR1"), SIGQUIT);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_RUNTIME_DEFAULT, "SIGUSR1"), SIGUSR1);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_RUNTIME_DEFAULT, "quit"), SIGQUIT);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_RUNTIME_DEFAULT, "3"), 3);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_RUNTIME_DEFAULT, "RTMIN+3"), 37);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_RUNTIME_DEFAULT, "99"), SIGTERM);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_SIGRTMAX, ""), 64);
  EXPECT_EQ(*stopSignalOf(v1::SIGNAL_SIGRTMAXMINUS14, ""), 50);
  EXPECT_FALSE(stopSignalOf(static_cast<v1::Signal>(66), ""));
  EXPECT_EQ(toCriSignal(SIGTERM), v1::SIGNAL_SIGTERM);
  EXPECT_EQ(toCriSignal(37), v1::SIGNAL_SIGRTMINPLUS3);
}

}  // namespace
}  // namespace bulkhead::cri
