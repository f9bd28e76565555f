#include "daemons/storaged/zygote/job.h"

#include <fcntl.h>

#include "daemons/common/base/descriptors.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/zygote/cell.h"
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
  const char* name = nullptr;
  switch (codec) {
    case schema::WorkerRequest::Codec::NONE:
      name = "none";
      break;
    case schema::WorkerRequest::Codec::GZIP:
      name = "gzip";
      break;
    case schema::WorkerRequest::Codec::ZSTD:
      name = "zstd";
      break;
  }
  if (name == nullptr) return invalid("codec", "is unknown");
  return std::vector<std::string>{"--role", "decompress",  "--codec",
                                  name,     "--max-bytes", std::to_string(limits.bytes)};
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

// The role with its place in the store, without descriptors yet.
Outcome<Job> placeJob(const Request& request, int store, const LayerLimits& limits) {
  switch (request.which()) {
    case schema::WorkerRequest::UNPACK:
    case schema::WorkerRequest::KEEP: {
      bool file = request.isKeep();
      auto layer = LayerName::parse(ipc::toString(file ? request.getKeep() : request.getUnpack()));
      if (!layer) return tl::unexpected(layer.error());
      return Job{jail::Process::unpackWorker, layerMount(store, *layer),
                 unpackArguments(file ? "file" : "tar", limits)};
    }
    case schema::WorkerRequest::ERASE: {
      auto name = LayerName::parse(ipc::toString(request.getErase()));
      if (!name) return tl::unexpected(name.error());
      return Job{jail::Process::eraseWorker, trashMount(store, *name), {"--role", "erase"}};
    }
    case schema::WorkerRequest::MEASURE: {
      auto container = ContainerId::parse(ipc::toString(request.getMeasure()), "container");
      if (!container) return tl::unexpected(container.error());
      return Job{jail::Process::measureWorker, writableLayerMount(store, *container), {"--role", "measure"}};
    }
    case schema::WorkerRequest::DECOMPRESS: {
      auto arguments = decompressArguments(request.getDecompress(), limits);
      if (!arguments) return tl::unexpected(arguments.error());
      return Job{jail::Process::decompressWorker, emptyMount(), std::move(*arguments)};
    }
    case schema::WorkerRequest::PARSE:
      return Job{jail::Process::parseWorker, emptyMount(), {"--role", "parse"}};
    case schema::WorkerRequest::LOOKUP: {
      auto image = parseLayers(request.getLookup());
      if (!image) return tl::unexpected(image.error());
      Job job{jail::Process::lookupWorker, Fd(), {"--role", "lookup"}};
      job.image = std::move(*image);
      return job;
    }
    default:
      return invalid("role", "is unknown");
  }
}

}  // namespace

bool loadsLibraries(jail::Process role) {
  return role == jail::Process::decompressWorker;
}

Outcome<Job> parseJob(const Request& request, ipc::Packet& packet, int store, const LayerLimits& limits) {
  Fd input = packet.takeFd(0);
  Fd output = packet.takeFd(1);
  Fd result = packet.takeFd(2);
  Fd log = packet.takeFd(3);
  if (packet.fdCount() != 4) return invalid("descriptors", "are not four");
  if (!isPipeEnd(input.get(), O_RDONLY)) return invalid("input", "is not the read end of a pipe");
  for (const Fd* end : {&output, &result, &log}) {
    if (!isPipeEnd(end->get(), O_WRONLY)) return invalid("descriptors", "are not write ends of pipes");
  }
  auto job = placeJob(request, store, limits);
  if (!job) return job;
  job->input = std::move(input);
  job->output = std::move(output);
  job->result = std::move(result);
  job->log = std::move(log);
  return job;
}

}  // namespace bulkhead::zygote
