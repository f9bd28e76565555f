#include "daemons/storaged/signature-check.h"

#include <atomic>
#include <filesystem>
#include <fstream>

#include "daemons/storaged/storage-fixture.h"
#include "ipc/convert.h"

namespace bulkhead::storaged {
namespace {

struct Trust : public StorageTest {
  // What the verifier was asked, question by question: namespace and names.
  std::vector<std::string> asked;
  // References that it accepts, and whether whatever comes.
  std::set<std::string> accepted;
  bool anything = false;

  Trust() {
    judgeBy([this](schema::VerifyInput::Reader question, schema::WorkerResult::Builder result) {
      answer(question, result);
    });
  }

  void answer(schema::VerifyInput::Reader question, schema::WorkerResult::Builder result) {
    std::string names = ipc::toString(question.getNamespace());
    bool good = anything;
    if (question.isJudge()) {
      for (auto candidate : question.getJudge()) {
        std::string name = ipc::toString(candidate.getReference());
        names += " " + name + "/" + std::to_string(candidate.getDigests().size()) + "/" +
                 std::to_string(candidate.getSignatures().size());
        good = good || accepted.contains(name);
      }
    }
    asked.push_back(names);
    if (question.isWanted()) {
      result.initWanted().setAnything(anything);
      result.getWanted().initKinds().setSigstore(!anything);
    } else if (good) {
      result.initVerdict().setAnything(anything);
    } else {
      ipc::writeRefusal(result.initRefused(), {Code::failedPrecondition, "", "no"});
    }
  }

  Outcome<void> mayRun(const ImageId& image, const std::string& name, const std::string& podNamespace) {
    std::vector<ImageUse> uses{{image, name}};
    return trust().mayBeUsed(uses, podNamespace).wait(io_.waitScope);
  }
  Outcome<SignatureKinds> wanted(const std::string& podNamespace) {
    return trust().wanted(referenceOf("test.io/app:1"), podNamespace).wait(io_.waitScope);
  }
  void touchPolicy() { std::ofstream(policyPath()) << "{}"; }
};

TestImage image() {
  return {{TestLayer::of("base")}};
}

std::vector<ipc::PackedSignature> oneSignature() {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<schema::Documents>().initSignatures(1);
  list[0].setSimple(ipc::toData("signed"));
  return ipc::packSignatures(list.asReader()).value();
}

TEST_F(Trust, WhatIsNotAcceptedDoesNotComeIn) {
  publish(image());
  auto begun = images().begin(referenceOf("test.io/app:1"), image().documents(), "ns").wait(io_.waitScope);
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Code::permissionDenied);
  EXPECT_EQ(begun.error().reason, "SignatureValidationFailed: no");
  EXPECT_EQ(asked, std::vector<std::string>{"ns test.io/app:1/2/0"});
}

TEST_F(Trust, SignaturesAreRecordedAndJudgedAgain) {
  accepted = {"test.io/app:1"};
  publish(image());
  Documents documents = image().documents();
  documents.signatures = oneSignature();
  auto intake = images().begin(referenceOf("test.io/app:1"), documents, "").wait(io_.waitScope);
  ASSERT_TRUE(intake);
  send(**intake, 0, image().layers[0].compressed);
  auto stored = commit(**intake);
  ASSERT_TRUE(stored);
  restart();
  EXPECT_TRUE(mayRun(stored->id, "", "ns"));
  // Under each of its names, with the manifest and the index, and with the signature.
  EXPECT_EQ(asked.back(), "ns test.io/app:1/2/1 test.io/app@" + stored->digests[0].substr(12) + "/2/1");
  accepted.clear();
  auto refused = mayRun(stored->id, "", "ns");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, "SignatureValidationFailed: no");
}

TEST_F(Trust, TheNameThatWasAskedForCounts) {
  accepted = {"good.io/app:1", "bad.io/app:1"};
  auto stored = pull("good.io/app:1", image());
  ASSERT_TRUE(pull("bad.io/app:1", image()));
  accepted = {"good.io/app:1"};
  EXPECT_TRUE(mayRun(stored->id, "good.io/app:1", ""));
  EXPECT_FALSE(mayRun(stored->id, "bad.io/app:1", ""));
  // What names something else by now, or nothing, leaves any of its names.
  EXPECT_TRUE(mayRun(stored->id, "bad.io/app:2", ""));
  EXPECT_TRUE(mayRun(stored->id, "sha256:" + stored->id.text(), ""));
  EXPECT_EQ(mayRun(ImageId::parse(std::string(64, '0'), "id").value(), "", "").error().code, Code::notFound);
}

TEST_F(Trust, AnythingIsRememberedUntilThePolicyChanges) {
  anything = true;
  auto stored = pull("test.io/app:1", image());
  ASSERT_TRUE(mayRun(stored->id, "", ""));
  ASSERT_TRUE(mayRun(stored->id, "", ""));
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_TRUE(wanted(""));
  EXPECT_FALSE(wanted("")->sigstore);
  EXPECT_EQ(asked.size(), 2u);
  ASSERT_TRUE(mayRun(stored->id, "", "other"));  // another namespace may have another policy
  EXPECT_EQ(asked.size(), 3u);
  anything = false;
  touchPolicy();
  EXPECT_FALSE(mayRun(stored->id, "", ""));
  EXPECT_FALSE(mayRun(stored->id, "", "other"));
  EXPECT_TRUE(wanted("")->sigstore);
  EXPECT_TRUE(wanted("")->sigstore);
  EXPECT_EQ(asked.size(), 7u);
}

// Whoever wrote the signature may have answered, too.
TEST_F(Trust, WhatASignatureWasPartOfIsNotRemembered) {
  anything = true;
  publish(image());
  Documents documents = image().documents();
  documents.signatures = oneSignature();
  for (size_t questions = 1; questions <= 2; ++questions) {
    ASSERT_TRUE(images().begin(referenceOf("test.io/app:1"), documents, "").wait(io_.waitScope));
    EXPECT_EQ(asked.size(), questions);
  }
}

TEST_F(Trust, SignaturesAreBounded) {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<schema::Documents>().initSignatures(limits::signatures + 1);
  for (auto signature : list) signature.setSimple(ipc::toData("x"));
  EXPECT_EQ(ipc::packSignatures(list.asReader()).error().code, Code::resourceExhausted);
  std::string large(limits::signature + 1, 'x');
  list[0].setSimple(ipc::toData(large));
  capnp::MallocMessageBuilder second;
  auto one = second.initRoot<schema::Documents>().initSignatures(1);
  one.setWithCaveats(0, list[0]);
  EXPECT_EQ(ipc::packSignatures(one.asReader()).error().code, Code::resourceExhausted);
}

struct Watch : public ::testing::Test {
  Watch() {
    std::string pattern = std::filesystem::temp_directory_path() / "policy-watch-XXXXXX";
    path = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(path + "/etc/containers");
    std::ofstream(policy()) << "1";
  }
  ~Watch() override { std::filesystem::remove_all(path); }
  [[nodiscard]] std::string policy() const { return path + "/etc/containers/policy.json"; }
  [[nodiscard]] std::string policies() const { return path + "/etc/bulkhead/policies"; }
  std::string path;
};

TEST_F(Watch, SeesWritesReplacementsAndRemovals) {
  PolicyWatch watch(policy(), policies());
  EXPECT_FALSE(watch.changed());
  std::ofstream(policy()) << "2";
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(policy() + ".new") << "3";
  EXPECT_TRUE(watch.changed());
  std::filesystem::rename(policy() + ".new", policy());
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::filesystem::permissions(policy(), std::filesystem::perms::owner_read);
  EXPECT_TRUE(watch.changed());
  std::filesystem::remove(policy());
  EXPECT_TRUE(watch.changed());
  EXPECT_FALSE(watch.changed());
  std::ofstream(path + "/etc/resolv.conf") << "nothing of ours";
  EXPECT_FALSE(watch.changed());
}

TEST_F(Watch, OfADirectoryThatComesOrGoesSaysYesForever) {
  PolicyWatch coming(policy(), policies());
  std::filesystem::create_directories(policies());
  EXPECT_TRUE(coming.changed());
  EXPECT_TRUE(coming.changed());
  PolicyWatch going(policy(), policies());
  EXPECT_FALSE(going.changed());
  std::ofstream(policies() + "/ns.json") << "1";
  EXPECT_TRUE(going.changed());
  EXPECT_FALSE(going.changed());
  std::filesystem::rename(path + "/etc", path + "/old");
  EXPECT_TRUE(going.changed());
  EXPECT_TRUE(going.changed());
}

}  // namespace
}  // namespace bulkhead::storaged
