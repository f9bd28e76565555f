#include "daemons/netd/owed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <filesystem>
#include <fstream>

#include "daemons/common/base/beneath.h"

namespace bulkhead::netd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

OwedRecord record(char digit = 'a') {
  auto conflist = parseConflist(
      R"({"cniVersion":"1.0.0","name":"net","plugins":[{"type":"bridge","ipam":{"type":"host-local"}}]})",
      "f");
  PodNetwork pod{PodId::parse(std::string(64, digit), "").value(),
                 "web",
                 "default",
                 "uid",
                 {{"tcp", 80, 8080, "::1"}},
                 {{{"key", "value"}}, "/kubepods", {{"10.0.0.10"}, {"svc"}, {"ndots:5"}}, 1000, 2000}};
  return {std::move(pod), *conflist, false};
}

class Owed : public ::testing::Test {
 protected:
  // The event loop's destructor may throw, a test's may not.
  ~Owed() noexcept override {}  // NOLINT(modernize-use-equals-default)

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "/owed-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    path_ = pattern;
    state_ = openDirectory(path_);
  }
  void TearDown() override { std::filesystem::remove_all(path_); }

  std::string file(const char* directory, char digit = 'a') const {
    return path_ + "/" + directory + "/" + std::string(64, digit);
  }
  OwedRecords open() { return {state_.get(), disk_}; }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  DiskThread disk_;
  std::string path_;
  Fd state_;
};

TEST(OwedRecord, SurvivesTheRoundTrip) {
  OwedRecord before = record();
  before.detaching = true;
  auto after = parseOwedRecord(serialise(before));
  ASSERT_TRUE(after) << describe(after.error());
  EXPECT_EQ(serialise(*after), serialise(before));
  EXPECT_TRUE(after->detaching);
  EXPECT_EQ(after->pod.id, before.pod.id);
  EXPECT_EQ(after->pod.portMappings[0].hostIp, "::1");
  EXPECT_EQ(after->pod.facts.annotations.at("key"), "value");
  EXPECT_EQ(after->pod.facts.egressRate, 2000U);
}

TEST(OwedRecord, RefusesWhatIsNotOne) {
  for (const char* text : {"", "{}", R"({"format":2})", R"({"format":1,"pod":{},"conflist":{}})"}) {
    EXPECT_FALSE(parseOwedRecord(text)) << text;
  }
  std::string bad = serialise(record());
  bad.replace(bad.find("bridge"), 6, "../../");
  EXPECT_FALSE(parseOwedRecord(bad));
}

TEST_F(Owed, IsThereForTheNextNetd) {
  OwedRecords records = open();
  records.write(record()).wait(io_.waitScope);
  auto result = parseCniResult(R"({"ips":[{"address":"10.0.0.2/24"}]})", "bridge");
  records.writeResult(record().pod.id, *result).wait(io_.waitScope);
  auto loaded = open().load();
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_EQ(serialise(loaded[0].record), serialise(record()));
  ASSERT_TRUE(loaded[0].result);
  EXPECT_THAT(loaded[0].result->addresses, ElementsAre("10.0.0.2"));
}

TEST_F(Owed, WithoutAResultTheAddDidNotFinish) {
  open().write(record()).wait(io_.waitScope);
  auto loaded = open().load();
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_FALSE(loaded[0].result);
}

TEST_F(Owed, ALostResultIsNotALostRecord) {
  open().write(record()).wait(io_.waitScope);
  std::ofstream(file("attached")) << "";  // what a power cut may leave
  auto loaded = open().load();
  ASSERT_THAT(loaded, SizeIs(1));
  EXPECT_FALSE(loaded[0].result);
}

TEST_F(Owed, AResultThatCannotBeReadIsStillAnAttachedPod) {
  open().write(record()).wait(io_.waitScope);
  for (const std::string& text :
       {std::string("garbage"), "{\"ips\":\"" + std::string(5 << 20, 'x') + "\"}"}) {
    std::ofstream(file("attached")) << text;
    auto loaded = open().load();
    ASSERT_THAT(loaded, SizeIs(1));
    ASSERT_TRUE(loaded[0].result);
    EXPECT_THAT(loaded[0].result->addresses, IsEmpty());
    EXPECT_TRUE(loaded[0].result->document.is_null()) << "no prevResult for the DEL";
  }
}

TEST_F(Owed, WhatCouldNotBeReadAgainIsNotWritten) {
  OwedRecords records = open();
  CniResult large{Json{{"dns", std::string(5 << 20, 'x')}}, {}};
  EXPECT_ANY_THROW((void)records.writeResult(record().pod.id, large));
  OwedRecord binary = record();
  binary.pod.name = "\xff";
  EXPECT_ANY_THROW((void)records.write(binary));
  EXPECT_THAT(records.load(), IsEmpty());
}

TEST_F(Owed, ForgetsBoth) {
  OwedRecords records = open();
  records.write(record()).wait(io_.waitScope);
  records.writeResult(record().pod.id, CniResult{Json::object(), {}}).wait(io_.waitScope);
  records.forget(record().pod.id).wait(io_.waitScope);
  EXPECT_THAT(open().load(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(file("attached")));
}

TEST_F(Owed, SweepsResultsWithoutARecordAndKeepsWhatItCannotRead) {
  OwedRecords records = open();
  std::ofstream(file("attached", 'b')) << "{}";
  std::ofstream(file("owed", 'c')) << "garbage";
  EXPECT_THAT(records.load(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(file("attached", 'b')));
  EXPECT_TRUE(std::filesystem::exists(file("owed", 'c')));
}

TEST_F(Owed, AFailedWriteIsAnException) {
  OwedRecords records = open();
  std::filesystem::remove_all(path_ + "/owed");
  EXPECT_THROW(records.write(record()).wait(io_.waitScope), kj::Exception);
}

}  // namespace
}  // namespace bulkhead::netd
