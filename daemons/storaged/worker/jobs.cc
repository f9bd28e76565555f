#include "daemons/storaged/worker/jobs.h"

#include <iconv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/worker/compose.h"
#include "daemons/storaged/worker/documents.h"
#include "daemons/storaged/worker/erase.h"
#include "daemons/storaged/worker/keep-file.h"
#include "daemons/storaged/worker/lookup.h"
#include "daemons/storaged/worker/measure.h"
#include "daemons/storaged/worker/schema1.h"
#include "daemons/storaged/worker/unpack.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/packet.h"

namespace bulkhead::worker {
namespace {

using Result = schema::WorkerResult::Builder;

constexpr std::uint64_t blockSize = 512;  // unit of st_blocks, stat(3type)

void fill(schema::WorkerResult::Counted::Builder to, const Counted& counted) {
  to.setBytes(counted.bytes);
  to.setInodes(counted.inodes);
  to.setContent(counted.content);
}

void fill(capnp::List<capnp::Text>::Builder to, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i) to.set(static_cast<unsigned>(i), texts[i]);
}

void fill(capnp::List<schema::KeyValue>::Builder to,
          const std::vector<std::pair<std::string, std::string>>& pairs) {
  for (unsigned i = 0; i < to.size(); ++i) {
    to[i].setKey(pairs[i].first);
    to[i].setValue(ipc::toData(pairs[i].second));
  }
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
  fill(to.initLabels(count(config.labels)), config.labels);
}

void fill(schema::ParsedManifest::Builder to, const ImageManifest& manifest) {
  auto entries = to.initIndexEntries(count(manifest.indexEntries));
  for (unsigned i = 0; i < entries.size(); ++i) entries.set(i, manifest.indexEntries[i].text());
  to.setConfigDigest(manifest.configDigest.text());
  to.setConfigSize(manifest.configSize);
  auto layers = to.initLayers(count(manifest.layers));
  for (unsigned i = 0; i < layers.size(); ++i) {
    layers[i].setDigest(manifest.layers[i].digest.text());
    layers[i].setSize(manifest.layers[i].size);
    layers[i].setCodec(codecOf(manifest.layers[i].codec));
    layers[i].setFile(manifest.layers[i].file);
  }
  fill(to.initAnnotations(count(manifest.annotations)), manifest.annotations);
  to.setArtifact(manifest.artifact);
}

void fill(schema::ParsedManifest::Builder to, const Schema1& manifest) {
  std::vector<Schema1::Layer> whole;
  for (const auto& layer : manifest.layers) {
    if (!layer.empty) whole.push_back(layer);
  }
  auto layers = to.initLayers(count(whole));
  for (unsigned i = 0; i < layers.size(); ++i) {
    layers[i].setDigest(whole[i].digest.text());
    layers[i].setCodec(schema::WorkerRequest::Codec::GZIP);
  }
  to.setSchema1(true);
  to.setPayloadBytes(manifest.payloadBytes);
  to.setPayloadTail(ipc::toData(manifest.payloadTail));
}

void fill(schema::ParsedConfig::Builder to, const ConfigDocument& document) {
  auto ids = to.initDiffIds(count(document.diffIds));
  for (unsigned i = 0; i < ids.size(); ++i) ids.set(i, document.diffIds[i].text());
  fill(to.initConfig(), document.config);
}

Outcome<void> answerManifest(schema::ParseInput::Manifest::Reader input, Result result) {
  std::string index = ipc::toString(input.getIndex());
  std::string text = ipc::toString(input.getManifest());
  if (index.size() > limits::document || text.size() > limits::document)
    return refuse(Code::resourceExhausted, "documents", "are too large");
  auto manifest = parseManifest(index, text);
  if (manifest) {
    fill(result.initManifest(), *manifest);
    return {};
  }
  if (!index.empty() || !saysSchema1(text)) return tl::unexpected(manifest.error());
  auto old = parseSchema1(text);
  if (!old) return tl::unexpected(old.error());
  fill(result.initManifest(), *old);
  return {};
}

Outcome<void> answerConvert(schema::ParseInput::Convert::Reader input, Result result) {
  std::vector<Digest> ids;
  for (auto text : input.getDiffIds()) {
    auto id = Digest::parse(ipc::toString(text), "diffIds");
    if (!id) return tl::unexpected(id.error());
    ids.push_back(std::move(*id));
  }
  auto config = configOfSchema1(ipc::toString(input.getManifest()), ids);
  if (!config) return tl::unexpected(config.error());
  if (config->size() > limits::document) return refuse(Code::resourceExhausted, "config", "is too large");
  result.setConverted(ipc::toData(*config));
  return {};
}

Outcome<void> answerConfig(const std::string& text, Result result) {
  if (text.size() > limits::document) return refuse(Code::resourceExhausted, "documents", "are too large");
  auto config = parseConfig(text);
  if (!config) return tl::unexpected(config.error());
  fill(result.initConfig(), *config);
  return {};
}

Outcome<void> answerParse(int input, Result result) {
  auto packet = ipc::readMessage(input, limits::packetBody);
  if (!packet) return invalid("documents", "are missing");
  auto parse = packet->as<schema::ParseInput>();
  if (parse.isManifest()) return answerManifest(parse.getManifest(), result);
  if (parse.isConfig()) return answerConfig(ipc::toString(parse.getConfig()), result);
  if (parse.isConvert()) return answerConvert(parse.getConvert(), result);
  return invalid("documents", "are of an unknown kind");
}

Outcome<void> answerLookup(int input, Result result) {
  auto packet = ipc::readMessage(input, limits::packetInline);
  if (!packet) return invalid("user", "is missing");
  auto asked = packet->as<schema::LookupInput>();
  auto found = lookUp(openDirectory("/").get(), ipc::toString(asked.getUser()), asked.getMemberships());
  if (!found) return tl::unexpected(found.error());
  auto to = result.initLookedUp();
  to.setUid(found->uid);
  to.setGid(found->gid);
  auto groups = to.initGroups(count(found->groups));
  for (unsigned i = 0; i < groups.size(); ++i) groups.set(i, found->groups[i]);
  return {};
}

// libarchive converts names, and glibc reads /usr/lib/*/gconv at the first conversion: here, while the layer
// is empty and there is none, rather than from what the archive has put there.
void settleConversions() {
  iconv_t conversion = ::iconv_open("ANSI_X3.4-1968", "UTF-8");
  if (conversion != reinterpret_cast<iconv_t>(-1)) (void)::iconv_close(conversion);
}

Outcome<std::uint64_t> keep(int input, int root, const Options& options) {
  auto packet = ipc::readMessage(input, limits::packetInline);
  if (!packet) return invalid("path", "is missing");
  return keepFile(input, root, ipc::toString(packet->as<schema::KeepInput>().getPath()), options.maxBytes);
}

// What is on disk is counted at the end: entries replace each other, and directories grow.
Outcome<void> answerUnpack(const Options& options, int input, Result result) {
  Fd root = openDirectory("/");
  const UnpackLimits limits{options.maxBytes, options.maxEntries, options.deviceNodes};
  auto content =
      options.keepsFile
          ? keep(input, root.get(), options)
          : unpack(input, root.get(), limits).map([](const Unpacked& unpacked) { return unpacked.content; });
  if (!content) return tl::unexpected(content.error());
  auto counted = measure(root.get());
  if (!counted) return tl::unexpected(counted.error());
  struct stat top {};
  if (::fstat(root.get(), &top) != 0) throwErrno("fstat the layer");
  counted->bytes += static_cast<std::uint64_t>(top.st_blocks) * blockSize;
  counted->inodes += 1;
  counted->content = *content;
  fill(result.initUnpacked(), *counted);
  return {};
}

}  // namespace

Outcome<void> work(const Options& options, schema::WorkerResult::Builder result) {
  constexpr int input = STDIN_FILENO;
  if (options.role == jail::Process::unpackWorker) {
    settleConversions();
    if (auto done = answerUnpack(options, input, result); !done) return done;
  } else if (options.role == jail::Process::measureWorker) {
    auto counted = measure(openDirectory("/").get(), options.since);
    if (!counted) return tl::unexpected(counted.error());
    fill(result.initMeasured(), *counted);
  } else if (options.role == jail::Process::composeWorker) {
    std::vector<Fd> layers;
    for (unsigned i = 0; i < options.layers; ++i)
      layers.push_back(openDirectory("/layers/" + std::to_string(i)));
    auto counted = compose(openDirectory("/target").get(), options.ontoLayer != 0, layers);
    if (!counted) return tl::unexpected(counted.error());
    fill(result.initComposed(), *counted);
  } else if (options.role == jail::Process::eraseWorker) {
    if (auto erased = eraseContents(openDirectory("/").get()); !erased) return erased;
    result.setErased();
  } else if (options.role == jail::Process::lookupWorker) {
    return answerLookup(input, result);
  } else if (options.role == jail::Process::parseWorker) {
    return answerParse(input, result);
  } else {
    throw std::invalid_argument("a role of another program");
  }
  return {};
}

}  // namespace bulkhead::worker
