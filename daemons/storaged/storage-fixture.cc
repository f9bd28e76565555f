#include "daemons/storaged/storage-fixture.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "daemons/common/base/digest-stream.h"
#include "daemons/common/base/io.h"

namespace bulkhead::storaged {

namespace fs = std::filesystem;

namespace {

std::string makeTemporary() {
  std::string pattern = fs::temp_directory_path() / "storaged-test-XXXXXX";
  return ::mkdtemp(pattern.data());
}

}  // namespace

void acceptAnything(schema::VerifyInput::Reader question, schema::WorkerResult::Builder result) {
  if (question.isWanted()) {
    result.initWanted().setAnything(true);
  } else {
    result.initVerdict().setAnything(true);
  }
}

ImageReference referenceOf(const std::string& text) {
  return ImageReference::parse(text, "reference").value();
}

TestLayer TestLayer::of(const std::string& content) {
  return {"Z" + content, digestOf(content)};
}

Documents TestImage::documents() const {
  if (disguise) return disguise->documents();
  Documents documents;
  documents.config = "config of " + user + remark;
  documents.manifest = "manifest" + remark;
  for (const TestLayer& layer : layers) {
    documents.config += " " + layer.diffId.text();
    documents.manifest += " " + digestOf(layer.compressed).text();
    if (layer.claimedSize != 0) documents.manifest += " of " + std::to_string(layer.claimedSize);
  }
  documents.manifest += " " + digestOf(documents.config).text();
  if (withIndex) documents.index = "index " + digestOf(documents.manifest).text();
  return documents;
}

void TestImage::describe(schema::ParsedManifest::Builder parsed) const {
  Documents all = documents();
  if (withIndex) parsed.initIndexEntries(1).set(0, digestOf(all.manifest).text());
  parsed.setConfigDigest(digestOf(all.config).text());
  parsed.setConfigSize(all.config.size());
  auto list = parsed.initLayers(static_cast<capnp::uint>(layers.size()));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    list[i].setDigest(digestOf(layers[i].compressed).text());
    list[i].setSize(layers[i].claimedSize != 0 ? layers[i].claimedSize : layers[i].compressed.size());
    list[i].setCodec(layers[i].codec);
  }
}

void TestImage::describe(schema::ParsedConfig::Builder parsed) const {
  auto ids = parsed.initDiffIds(static_cast<capnp::uint>(layers.size()));
  for (capnp::uint i = 0; i < ids.size(); ++i) ids.set(i, layers[i].diffId.text());
  parsed.initConfig().setUser(user);
}

StorageTest::StorageTest() : StorageTest(makeTemporary()) {
  temporary_ = true;
}

StorageTest::StorageTest(const std::string& path) : path_(path) {
  prepareStore(path_, ::getuid(), ::getgid());
  fs::create_directory(path_ + "/policy");
  judge_ = acceptAnything;
  open();
}

StorageTest::~StorageTest() noexcept {
  close();
  if (temporary_) fs::remove_all(path_);
}

void StorageTest::open() {
  auto parse = [this](const std::string& document, schema::WorkerResult::Builder result) {
    std::lock_guard lock(mutex_);
    for (const TestImage& image : published_) {
      if (image.documents().manifest == document) image.describe(result.initManifest());
      if (image.documents().config == document) image.describe(result.initConfig());
    }
  };
  auto judge = [this](schema::VerifyInput::Reader question, schema::WorkerResult::Builder result) {
    std::lock_guard lock(mutex_);
    judge_(question, result);
  };
  zygote_ = std::make_unique<FakeZygote>(path_, parse, judge);
  constexpr std::uint64_t layerBytes = 32 * 1024 * 1024;
  constexpr PullLimits limits{layerBytes, layerBytes / 2 * 3, 100, 1000};
  storage_ = std::make_unique<Storage>(io_.unixEventPort, path_, zygote_->takeSocket(), limits);
  TrustSettings settings{path_, policyPath(), true, path_ + "/policies"};
  trust_ = std::make_unique<SignatureCheck>(storage_->parts(), settings,
                                            PolicyWatch(settings.policy, settings.policies));
  images_ = std::make_unique<ImageStore>(storage_->parts(), *trust_);
  containers_ = std::make_unique<WritableLayers>(storage_->parts());
}

void StorageTest::close() {
  containers_.reset();
  images_.reset();
  trust_.reset();
  storage_.reset();
  zygote_.reset();
  for (std::thread& writer : writers_) writer.join();
  writers_.clear();
}

void StorageTest::restart() {
  close();
  open();
}

void StorageTest::judgeBy(FakeZygote::Judge judge) {
  std::lock_guard lock(mutex_);
  judge_ = std::move(judge);
}

void StorageTest::publish(const TestImage& image) {
  std::lock_guard lock(mutex_);
  published_.push_back(image);
}

kj::Own<Intake> StorageTest::begin(const std::string& reference, const TestImage& image) {
  publish(image);
  auto begun = images().begin(referenceOf(reference), image.documents(), "").wait(io_.waitScope);
  if (!begun) throw std::runtime_error(bulkhead::describe(begun.error()));
  return kj::mv(*begun);
}

Outcome<Fd> StorageTest::pipeOf(Intake& intake, std::uint32_t index) {
  return intake.layerPipe(index).wait(io_.waitScope).map([](Intake::Sink&& sink) {
    return std::move(sink).value();
  });
}

void StorageTest::send(Intake& intake, std::uint32_t index, const std::string& bytes) {
  feed(pipeOf(intake, index).value(), bytes);
}

void StorageTest::feed(Fd sink, const std::string& bytes) {
  writers_.emplace_back([sink = std::move(sink), bytes]() { (void)writeAll(sink.get(), bytes); });
}

Outcome<ImageView> StorageTest::pull(const std::string& reference, const TestImage& image) {
  auto intake = begin(reference, image);
  std::uint32_t index = 0;
  for (const VerifiedLayer& missing : intake->missing()) {
    for (const TestLayer& layer : image.layers) {
      if (layer.diffId == missing.diffId) {
        send(*intake, index++, layer.compressed);
        break;
      }
    }
  }
  return commit(*intake);
}

size_t StorageTest::countIn(const char* directory) {
  // Threads that give up, then the erase workers; neither has a promise that a caller would hold.
  for (int i = 0; i < 50; ++i) {
    parts().timer.afterDelay(2 * kj::MILLISECONDS).wait(io_.waitScope);
    parts().trash.whenEmpty().wait(io_.waitScope);
  }
  return static_cast<size_t>(std::distance(fs::directory_iterator(path_ + "/" + directory), {}));
}

}  // namespace bulkhead::storaged
