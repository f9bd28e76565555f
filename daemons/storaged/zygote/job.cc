#include "daemons/storaged/zygote/job.h"

#include <fcntl.h>

#include <array>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/cells/cell.h"
#include "daemons/storaged/cells/composition.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::zygote {
namespace {

using Request = schema::WorkerRequest::Reader;

// `access`: O_RDONLY or O_WRONLY.
bool isPipeEnd(int fd, int access) {
  int flags = fd < 0 ? -1 : ::fcntl(fd, F_GETFL);
  bool fits = flags >= 0 && (flags & O_PATH) == 0 && (flags & O_ACCMODE) == access;
  return fits && isPipe(fd);
}

std::vector<std::string> unpackArguments(const char* content, const LayerLimits& limits) {
  return {"--role",         "unpack",
          "--content",      content,
          "--max-bytes",    std::to_string(limits.bytes),
          "--max-entries",  std::to_string(limits.entries),
          "--device-nodes", limits.deviceNodes};
}

Outcome<std::vector<std::string>> decompressArguments(schema::WorkerRequest::Codec codec,
                                                      const LayerLimits& limits) {
  constexpr std::array names{"none", "gzip", "zstd"};  // as worker.capnp numbers them
  auto number = static_cast<size_t>(codec);
  if (number >= names.size()) return invalid("codec", "is unknown");
  return std::vector<std::string>{"--role",      "decompress",  "--codec",
                                  names[number], "--max-bytes", std::to_string(limits.bytes)};
}

Outcome<std::vector<LayerName>> parseLayers(capnp::List<capnp::Text>::Reader list) {
  if (list.size() == 0 || list.size() > limits::imageLayers)
    return invalid("layers", "are none or more than 127");
  std::vector<LayerName> names;
  for (auto text : list) {
    auto name = LayerName::parse(ipc::toString(text));
    if (!name) return tl::unexpected(name.error());
    names.push_back(std::move(*name));
  }
  return names;
}

Job jobOf(jail::Process role, std::vector<std::string> arguments) {
  Job job{};
  job.role = role;
  job.arguments = std::move(arguments);
  return job;
}

Outcome<Job> unpackJob(const Request& request, int store, Driver driver, const LayerLimits& limits) {
  bool file = request.isKeep();
  auto layer = LayerName::parse(ipc::toString(file ? request.getKeep() : request.getUnpack()));
  if (!layer) return tl::unexpected(layer.error());
  Job job = jobOf(jail::Process::unpackWorker, unpackArguments(file ? "file" : "tar", limits));
  job.prepare = [store, driver, layer = *layer](Job& self) {
    self.mount = cells::layerMount(store, layer, driver);
  };
  return job;
}

Outcome<Job> eraseJob(const Request& request, int store) {
  auto name = LayerName::parse(ipc::toString(request.getErase()));
  if (!name) return tl::unexpected(name.error());
  Job job = jobOf(jail::Process::eraseWorker, {"--role", "erase"});
  job.prepare = [store, name = *name](Job& self) {
    cells::destroyVolumes(store, name);
    self.mount = cells::trashMount(store, name);
  };
  return job;
}

Outcome<Job> measureJob(const Request& request, int store, Driver driver) {
  auto container = ContainerId::parse(ipc::toString(request.getMeasure()), "container");
  if (!container) return tl::unexpected(container.error());
  cells::WritableLayer layer = cells::writableLayer(store, *container, driver);
  Job job =
      jobOf(jail::Process::measureWorker, {"--role", "measure", "--since", std::to_string(layer.since)});
  job.mount = std::move(layer.mount);
  job.counted = layer.counted;
  return job;
}

Outcome<Job> composeJob(const Request& request, const overlay::Stores& stores, Driver driver) {
  auto composition = cells::parseComposition(request.getCompose());
  if (!composition) return tl::unexpected(composition.error());
  // A snapshot of a layer has a layer's marks; one of a tree has none.
  bool isLayer = composition->onto && std::holds_alternative<LayerName>(composition->into);
  Job job = jobOf(jail::Process::composeWorker,
                  {"--role", "compose", "--layers", std::to_string(composition->layers.size()),
                   "--onto-layer", isLayer ? "1" : "0"});
  job.prepare = [stores, driver, composition = *std::move(composition)](Job& self) {
    self.pieces = cells::prepare(stores, driver, composition);
  };
  return job;
}

Job jobIn(Fd mount, jail::Process role, std::vector<std::string> arguments) {
  Job job = jobOf(role, std::move(arguments));
  job.mount = std::move(mount);
  return job;
}

// The role with its place in the store, without descriptors yet.
Outcome<Job> placeJob(const Request& request, const overlay::Stores& stores, int trust, Driver driver,
                      const LayerLimits& limits) {
  switch (request.which()) {
    case schema::WorkerRequest::UNPACK:
    case schema::WorkerRequest::KEEP:
      return unpackJob(request, stores.own, driver, limits);
    case schema::WorkerRequest::ERASE:
      return eraseJob(request, stores.own);
    case schema::WorkerRequest::MEASURE:
      return measureJob(request, stores.own, driver);
    case schema::WorkerRequest::COMPOSE:
      return composeJob(request, stores, driver);
    case schema::WorkerRequest::DECOMPRESS: {
      auto arguments = decompressArguments(request.getDecompress(), limits);
      if (!arguments) return tl::unexpected(arguments.error());
      return jobIn(cells::emptyMount(), jail::Process::decompressWorker, std::move(*arguments));
    }
    case schema::WorkerRequest::PARSE:
      return jobIn(cells::emptyMount(), jail::Process::parseWorker, {"--role", "parse"});
    case schema::WorkerRequest::LOOKUP: {
      auto image = parseLayers(request.getLookup());
      if (!image) return tl::unexpected(image.error());
      Job job = jobOf(jail::Process::lookupWorker, {"--role", "lookup"});
      job.prepare = [stores, layers = *std::move(image)](Job& self) {
        self.mount = cells::imageMount(stores, layers);
      };
      return job;
    }
    case schema::WorkerRequest::VERIFY:
      return jobIn(cells::trustMount(trust), jail::Process::verifyWorker, {"--role", "verify"});
    default:
      return invalid("role", "is unknown");
  }
}

}  // namespace

bool loadsLibraries(jail::Process role) {
  return role == jail::Process::decompressWorker || role == jail::Process::verifyWorker;
}

Outcome<Job> parseJob(const Request& request, ipc::Packet& packet, const overlay::Stores& stores, int trust,
                      Driver driver, const LayerLimits& limits) {
  Fd input = packet.takeFd(0);
  Fd output = packet.takeFd(1);
  Fd result = packet.takeFd(2);
  Fd log = packet.takeFd(3);
  if (packet.fdCount() != 4) return invalid("descriptors", "are not four");
  if (!isPipeEnd(input.get(), O_RDONLY)) return invalid("input", "is not the read end of a pipe");
  for (const Fd* end : {&output, &result, &log}) {
    if (!isPipeEnd(end->get(), O_WRONLY)) return invalid("descriptors", "are not write ends of pipes");
  }
  auto job = placeJob(request, stores, trust, driver, limits);
  if (!job) return job;
  job->input = std::move(input);
  job->output = std::move(output);
  job->result = std::move(result);
  job->log = std::move(log);
  return job;
}

}  // namespace bulkhead::zygote
