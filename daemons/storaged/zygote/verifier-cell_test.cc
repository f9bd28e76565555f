// The real zygote with the real verifier, whose root directory is what stands for /etc.
#include <algorithm>
#include <chrono>
#include <thread>

#include "daemons/storaged/zygote/testing/process-view.h"
#include "daemons/storaged/zygote/testing/zygote-harness.h"

namespace bulkhead::zygote {
namespace {

TEST(VerifierCell, HasRootsPoliciesReadOnlyAndNothingElse) {
  TestStore store;
  TestZygote zygote{store};
  std::ofstream(store.trust() + "/policy.json") << R"({"default": [{"type": "reject"}],
             "transports": {"docker": {"good.io": [{"type": "insecureAcceptAnything"}]}}})";
  TestWorker worker = zygote.start([](schema::WorkerRequest::Builder request) { request.setVerify(); });
  std::string process;
  std::string status;
  for (int i = 0; i < 200 && status.find("Seccomp_filters:\t2\n") == status.npos; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
    process = "/proc/" + onlyChildOf(zygote.pid());
    status = textOf(process + "/status");
  }
  std::string mounts = textOf(process + "/mountinfo");
  EXPECT_EQ(std::count(mounts.begin(), mounts.end(), '\n'), 1) << mounts;
  EXPECT_NE(mounts.find("/trust / ro,nosuid,nodev,noexec"), mounts.npos) << mounts;
  EXPECT_NE(status.find("CapEff:\t0000000000000000\n"), status.npos) << status;
  EXPECT_NE(status.find("CapBnd:\t0000000000000000\n"), status.npos) << status;
  EXPECT_NE(status.find("Uid:\t" + std::to_string(testUid) + "\t"), status.npos) << status;
  EXPECT_NE(status.find("NoNewPrivs:\t1\n"), status.npos);
  for (const auto& open : std::filesystem::directory_iterator(process + "/fd")) {
    std::string what = std::filesystem::read_symlink(open);
    EXPECT_TRUE(what.starts_with("pipe:") || what == "/dev/urandom") << what;
  }
  capnp::MallocMessageBuilder message;
  auto question = message.initRoot<schema::VerifyInput>();
  question.setTrusted("/etc");
  question.setPolicy("/etc/policy.json");
  question.setPolicies("/etc/none");
  auto candidates = question.initJudge(2);
  candidates[0].setReference("bad.io/app:1");
  candidates[1].setReference("good.io/app:1");
  ASSERT_TRUE(ipc::writeMessage(worker.input.get(), message));
  auto answer = worker.finish();
  ASSERT_TRUE(answer);
  auto result = answer->as<schema::WorkerResult>();
  ASSERT_TRUE(result.isVerdict()) << (result.isRefused() ? result.getRefused().getReason().cStr() : "");
  EXPECT_STREQ(result.getVerdict().getScope().cStr(), "docker:good.io");
}

}  // namespace
}  // namespace bulkhead::zygote
