// In the place of bulkhead-storage-worker.
#include <fcntl.h>
#include <unistd.h>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/storaged/worker/documents.h"
#include "daemons/storaged/worker/jobs.h"
#include "daemons/storaged/worker/start.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/packet.h"
#include "tests/hostile-worker/lies.h"

namespace bulkhead::hostile {
namespace {

using worker::Options;
using Result = schema::WorkerResult::Builder;

// The diff id or digest that a lie is about stands in the document, behind "about-".
std::string subjectOf(std::string_view text) {
  std::size_t at = text.find("about-sha256:");
  return at == text.npos ? "" : std::string(text.substr(at + 6, 71));
}

Outcome<void> writeFile(const char* name, std::string_view content) {
  Fd file(::openat(AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file || !writeAll(file.get(), content))
    return invalid("layer", "cannot be written by a hostile worker");
  return {};
}

// The real one reads descriptor 0: what was read before is put there again, by way of a file of the layer's.
Outcome<void> unpackHonestly(const Options& options, std::string_view tar, Result result) {
  if (auto done = writeFile("/.again", tar); !done) return done;
  Fd again(::openat(AT_FDCWD, "/.again", O_RDONLY | O_CLOEXEC));
  if (!again || ::unlinkat(AT_FDCWD, "/.again", 0) != 0 || ::dup3(again.get(), STDIN_FILENO, 0) < 0)
    return refuse(Code::internal, "layer", "the hostile worker cannot be honest");
  return worker::work(options, result);
}

Outcome<void> unpack(const Options& options, Result result) {
  std::string tar = readAll(STDIN_FILENO);
  std::string lie = lieIn(std::string_view(tar).substr(0, 512));
  tellCommonLie(lie);
  if (lie == "content") {
    (void)writeFile("/evil", "not from the archive");
    result.initUnpacked().setBytes(20);
    return {};
  }
  if (lie == "nothing") {
    result.initUnpacked();
    return {};
  }
  if (lie == "answer") {
    result.setErased();
    return {};
  }
  auto done = unpackHonestly(options, tar, result);
  if (lie == "size") {
    auto counted = result.initUnpacked();
    counted.setBytes(1ULL << 62);
    counted.setInodes(1ULL << 62);
  }
  return done;
}

Outcome<void> lieAboutConfig(const std::string& lie, std::string_view text, Result result) {
  auto honest = worker::parseConfig(text);
  if (!honest) return tl::unexpected(honest.error());
  auto parsed = result.initConfig();
  auto ids = parsed.initDiffIds(static_cast<unsigned>(honest->diffIds.size()));
  for (unsigned i = 0; i < ids.size(); ++i)
    ids.set(i, lie == "diff-id" ? subjectOf(text) : honest->diffIds[i].text());
  auto config = parsed.initConfig();
  config.setUser(honest->config.user);
  auto command = config.initCommand(1);
  command.set(0, "x");
  return {};
}

Outcome<void> lieAboutManifest(const std::string& lie, std::string_view text, Result result) {
  auto honest = worker::parseManifest("", text);
  if (!honest) return tl::unexpected(honest.error());
  auto parsed = result.initManifest();
  parsed.setConfigDigest(lie == "config-digest" ? subjectOf(text) : honest->configDigest.text());
  parsed.setConfigSize(honest->configSize);
  auto layers = parsed.initLayers(static_cast<unsigned>(honest->layers.size()));
  for (unsigned i = 0; i < layers.size(); ++i) {
    layers[i].setDigest(lie == "layer-digest" ? subjectOf(text) : honest->layers[i].digest.text());
    layers[i].setSize(lie == "layer-size" ? 1 : honest->layers[i].size);
    layers[i].setCodec(schema::WorkerRequest::Codec::GZIP);
  }
  return {};
}

// Whole documents are small here, and come in one message; an honest answer is a lie without a name.
Outcome<void> parse(Result result) {
  auto packet = ipc::readMessage(STDIN_FILENO, limits::packetBody);
  if (!packet) return invalid("documents", "are missing");
  auto input = packet->as<schema::ParseInput>();
  std::string text = ipc::toString(input.isConfig() ? input.getConfig() : input.getManifest().getManifest());
  std::string lie = lieIn(text);
  tellCommonLie(lie);
  return input.isConfig() ? lieAboutConfig(lie, text, result) : lieAboutManifest(lie, text, result);
}

Outcome<void> work(const Options& options, Result result) {
  if (options.role == jail::Process::unpackWorker) return unpack(options, result);
  if (options.role == jail::Process::parseWorker) return parse(result);
  return worker::work(options, result);
}

int run(int argc, char** argv) {
  return worker::runWorker(argc, argv, worker::Cell::entered, work);
}

}  // namespace
}  // namespace bulkhead::hostile

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("hostile-worker", bulkhead::hostile::run, argc, argv);
}
