#include "daemons/common/jail/daemon.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bulkhead::jail {
namespace {

Options parse(std::vector<std::string> words) {
  words.insert(words.begin(), "bulkhead-test");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parseOptions(static_cast<int>(words.size()), argv.data());
}

TEST(Options, HaveDefaults) {
  Options options = parse({});
  EXPECT_EQ(options.root, "");
  EXPECT_EQ(options.configFile, "/etc/bulkhead/bulkhead.toml");
  EXPECT_EQ(options.ceilingFile, "/etc/bulkhead/ceiling.toml");
  EXPECT_EQ(options.library[0], '/');
}

TEST(Options, AreTaken) {
  Options options =
      parse({"--root", "/r", "--config", "/c/b.toml", "--peer-cgroup", "0::/x", "--library", "/l"});
  EXPECT_EQ(options.root, "/r");
  EXPECT_EQ(options.ceilingFile, "/c/ceiling.toml");
  EXPECT_EQ(options.peerCgroup, "0::/x");
  EXPECT_EQ(options.library, "/l");
}

TEST(Options, UnknownOnesAreRefused) {
  EXPECT_EXIT(parse({"--no-such"}), testing::ExitedWithCode(2), "usage");
  EXPECT_EXIT(parse({"stray"}), testing::ExitedWithCode(2), "usage");
}

}  // namespace
}  // namespace bulkhead::jail
