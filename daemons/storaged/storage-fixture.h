// For tests: images made of strings, and a whole storaged main without processes around it.
#pragma once

#include <gtest/gtest.h>
#include <kj/async-io.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemons/storaged/daemon.h"
#include "daemons/storaged/fake-zygote.h"

namespace bulkhead::storaged {

struct TestLayer {
  std::string compressed;
  Digest diffId;
  Codec codec = Codec::GZIP;
  std::uint64_t claimedSize = 0;  // by the manifest; 0: the truth

  // `content` as the fake's workers pack it.
  static TestLayer of(const std::string& content);
};

// Documents that hold together, and what an honest parse worker would say of them.
struct TestImage {
  std::vector<TestLayer> layers;
  std::string user = "nobody";
  bool withIndex = true;
  std::string remark;                         // in manifest and config
  std::shared_ptr<const TestImage> disguise;  // whose documents are said to describe this one

  [[nodiscard]] Documents documents() const;
  void describe(schema::ParsedManifest::Builder parsed) const;
  void describe(schema::ParsedConfig::Builder parsed) const;
};

class StorageTest : public testing::Test {
 protected:
  StorageTest();
  // On a store that exists or not, and stays.
  explicit StorageTest(const std::string& path);
  ~StorageTest() noexcept override;

  // Closes everything and opens it again, as after a crash.
  void restart();
  // The parse workers will know this image from now on.
  void publish(const TestImage& image);
  // beginImage, which must succeed.
  kj::Own<Intake> begin(const std::string& reference, const TestImage& image);
  // There must be one to give: nobody else brings that layer.
  Outcome<Fd> pipeOf(Intake& intake, std::uint32_t index);
  Outcome<void> remove(const std::string& image) { return images().remove(image).wait(io_.waitScope); }
  Outcome<void> create(const ContainerRow& container) {
    return containers().create(container).wait(io_.waitScope);
  }
  void remove(const ContainerId& container) { containers().remove(container).wait(io_.waitScope); }
  // Writes `bytes` in a thread and closes the pipe.
  void feed(Fd sink, const std::string& bytes);
  // The same for a missing layer.
  void send(Intake& intake, std::uint32_t index, const std::string& bytes);
  Outcome<ImageView> commit(Intake& intake) { return intake.commit().wait(io_.waitScope); }
  // All of it, honestly.
  Outcome<ImageView> pull(const std::string& reference, const TestImage& image);
  // Lets background work end; then how many entries are in a directory of the store.
  size_t countIn(const char* directory);

  // What the verifier says of each question from now on; at first it accepts anything.
  void judgeBy(FakeZygote::Judge judge);
  SignatureCheck& trust() { return *trust_; }
  // Where the policy would be; only its coming and going is looked at here.
  [[nodiscard]] std::string policyPath() const { return path_ + "/policy/policy.json"; }

  void waitABit() { parts().timer.afterDelay(50 * kj::MILLISECONDS).wait(io_.waitScope); }

  [[nodiscard]] int lookups() const { return zygote_->lookups; }
  Parts& parts() { return storage_->parts(); }
  ImageStore& images() { return *images_; }
  WritableLayers& containers() { return *containers_; }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::string path_;

 private:
  bool temporary_ = false;
  void open();
  void close();

  std::mutex mutex_;  // published_ is read by the fake's threads
  std::vector<TestImage> published_;
  FakeZygote::Judge judge_;  // the same
  std::vector<std::thread> writers_;
  std::unique_ptr<FakeZygote> zygote_;
  std::unique_ptr<Storage> storage_;
  std::unique_ptr<SignatureCheck> trust_;
  std::unique_ptr<ImageStore> images_;
  std::unique_ptr<WritableLayers> containers_;
};

// A verifier's answer where there is no policy.
void acceptAnything(schema::VerifyInput::Reader question, schema::WorkerResult::Builder result);

ImageReference referenceOf(const std::string& text);

}  // namespace bulkhead::storaged
