#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "daemons/cri-frontend/in-flight.h"
#include "daemons/cri-frontend/records/container-table.h"
#include "daemons/cri-frontend/records/pod-table.h"

namespace bulkhead::cri {
namespace {

class Records : public testing::Test {
 protected:
  Records() {
    char path[] = "/tmp/bhXXXXXX";
    directory_ = ::mkdtemp(path);
  }
  ~Records() override { std::filesystem::remove_all(directory_); }

  static record::Pod pod(const std::string& name, record::Pod::State state) {
    record::Pod record;
    record.set_id(PodId::generate().text());
    record.mutable_config()->mutable_metadata()->set_name(name);
    record.set_state(state);
    return record;
  }

  std::string directory_;
};

TEST_F(Records, RefusesDamagedFilesAndRecords) {
  std::ofstream(directory_ + "/cri.sqlite") << std::string(8192, 'x');
  EXPECT_THROW(RecordStore{directory_}, std::runtime_error);
  std::filesystem::remove(directory_ + "/cri.sqlite");
  RecordStore store(directory_);
  store.put(RecordStore::Kind::pod, "x", "\xff\xff");
  EXPECT_THROW(PodTable{store}, std::runtime_error);
}

TEST_F(Records, SurviveARestart) {
  std::string id;
  {
    RecordStore store(directory_);
    PodTable pods(store);
    auto kept = pods.insert(pod("kept", record::Pod::CREATING));
    id = kept->id.text();
    auto gone = pods.insert(pod("gone", record::Pod::READY));
    kept->record.set_state(record::Pod::READY);
    pods.save(*kept);
    pods.erase(gone->id);
    gone->record.set_state(record::Pod::NOT_READY);
    pods.save(*gone);  // must not bring it back
  }
  RecordStore store(directory_);
  PodTable pods(store);
  ASSERT_EQ(pods.all().size(), 1U);
  EXPECT_EQ(pods.all().begin()->first.text(), id);
  EXPECT_EQ(pods.all().begin()->second->record.state(), record::Pod::READY);
}

TEST_F(Records, NamesAreReservedOnceCreated) {
  RecordStore store(directory_);
  PodTable pods(store);
  auto made = pods.insert(pod("web", record::Pod::CREATING));
  std::string key = nameKey(made->record.config().metadata());
  EXPECT_EQ(pods.findNamed(key), nullptr);
  made->record.set_state(record::Pod::READY);
  EXPECT_EQ(pods.findNamed(key), made);
  made->record.mutable_config()->mutable_metadata()->set_attempt(1);
  EXPECT_EQ(pods.findNamed(key), nullptr);
}

TEST(InFlight, JoinsAndForgets) {
  auto io = kj::setupAsyncIo();
  InFlight<int> operations;
  int started = 0;
  auto gate = kj::newPromiseAndFulfiller<int>();
  auto begin = [&]() {
    ++started;
    return kj::mv(gate.promise);
  };
  auto first = operations.join("a", begin);
  auto second = operations.join("a", begin);
  EXPECT_EQ(started, 1);
  first = nullptr;  // who gives up harms only himself
  gate.fulfiller->fulfill(7);
  EXPECT_EQ(second.wait(io.waitScope), 7);
  operations.settled("a").wait(io.waitScope);
  kj::evalLast([]() {}).wait(io.waitScope);
  auto next = kj::newPromiseAndFulfiller<int>();
  gate.promise = kj::mv(next.promise);
  auto third = operations.join("a", begin);
  EXPECT_EQ(started, 2) << "forgotten";
}

}  // namespace
}  // namespace bulkhead::cri
