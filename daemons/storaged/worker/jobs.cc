#include "daemons/storaged/worker/jobs.h"

#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/documents.h"
#include "daemons/storaged/worker/erase.h"
#include "daemons/storaged/worker/measure.h"
#include "daemons/storaged/worker/unpack.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/packet.h"

namespace bulkhead::worker {
namespace {

using Result = schema::WorkerResult::Builder;

void fill(schema::WorkerResult::Counted::Builder to, const Counted& counted) {
  to.setBytes(counted.bytes);
  to.setInodes(counted.inodes);
}

void fill(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) to.set(static_cast<unsigned>(i), texts[i]);
}

unsigned count(const auto& list) {
  return static_cast<unsigned>(list.size());
}

schema::WorkerRequest::Codec codecOf(Codec codec) {
  switch (codec) {
    case Codec::gzip:
      return schema::WorkerRequest::Codec::GZIP;
    case Codec::zstd:
      return schema::WorkerRequest::Codec::ZSTD;
    case Codec::none:
      break;
  }
  return schema::WorkerRequest::Codec::NONE;
}

void fill(schema::ImageConfig::Builder to, const ImageConfig& config) {
  to.setUser(config.user);
  auto env = to.initEnv(count(config.env));
  for (unsigned i = 0; i < env.size(); ++i) env.set(i, ipc::toData(config.env[i]));
  fill(to.initEntrypoint(count(config.entrypoint)), config.entrypoint);
  fill(to.initCommand(count(config.command)), config.command);
  to.setWorkingDirectory(config.workingDirectory);
  to.setStopSignal(config.stopSignal);
  fill(to.initVolumes(count(config.volumes)), config.volumes);
  auto labels = to.initLabels(count(config.labels));
  for (unsigned i = 0; i < labels.size(); ++i) {
    labels[i].setKey(config.labels[i].first);
    labels[i].setValue(ipc::toData(config.labels[i].second));
  }
}

void fill(schema::ParsedImage::Builder to, const ImageDocuments& documents) {
  auto entries = to.initIndexEntries(count(documents.indexEntries));
  for (unsigned i = 0; i < entries.size(); ++i) entries.set(i, documents.indexEntries[i].text());
  to.setConfigDigest(documents.configDigest.text());
  to.setConfigSize(documents.configSize);
  auto layers = to.initLayers(count(documents.layers));
  for (unsigned i = 0; i < layers.size(); ++i) {
    layers[i].setDigest(documents.layers[i].digest.text());
    layers[i].setSize(documents.layers[i].size);
    layers[i].setDiffId(documents.layers[i].diffId.text());
    layers[i].setCodec(codecOf(documents.layers[i].codec));
  }
  fill(to.initConfig(), documents.config);
}

Outcome<ImageDocuments> parse(int input) {
  auto packet = ipc::readMessage(input, limits::packetBody);
  if (!packet) return invalid("documents", "are missing");
  auto documents = packet->as<schema::ParseInput>().getDocuments();
  std::string index = ipc::toString(documents.getIndex());
  std::string manifest = ipc::toString(documents.getManifest());
  std::string config = ipc::toString(documents.getConfig());
  for (const std::string* document : {&index, &manifest, &config}) {
    if (document->size() > limits::document)
      return refuse(Code::resourceExhausted, "documents", "are too large");
  }
  return parseDocuments(index, manifest, config);
}

Outcome<void> answer(const Options& options, int input, int output, Result result) {
  if (options.role == jail::Process::unpackWorker) {
    auto counted = unpack(input, openDirectory("/").get(), {options.maxBytes, options.maxEntries});
    if (!counted) return tl::unexpected(counted.error());
    fill(result.initUnpacked(), *counted);
  } else if (options.role == jail::Process::measureWorker) {
    auto counted = measure(openDirectory("/").get());
    if (!counted) return tl::unexpected(counted.error());
    fill(result.initMeasured(), *counted);
  } else if (options.role == jail::Process::eraseWorker) {
    if (auto erased = eraseContents(openDirectory("/").get()); !erased) return erased;
    result.setErased();
  } else if (options.role == jail::Process::decompressWorker) {
    if (auto done = decompress(options.codec, input, output, options.maxBytes); !done) return done;
    result.setDecompressed();
  } else {
    auto documents = parse(input);
    if (!documents) return tl::unexpected(documents.error());
    fill(result.initParsed(), *documents);
  }
  return {};
}

}  // namespace

void work(const Options& options, int input, int output, Result result) {
  auto answered = answer(options, input, output, result);
  if (!answered) ipc::writeRefusal(result.initRefused(), answered.error());
}

}  // namespace bulkhead::worker
