#include "daemons/storaged/storage-server.h"

#include <sys/statvfs.h>

#include <chrono>

#include "daemons/storaged/intake-server.h"
#include "daemons/storaged/method.h"
#include "daemons/storaged/write-image.h"
#include "ipc/convert.h"

namespace bulkhead::storaged {
namespace {

capnp::uint count(size_t size) {
  return static_cast<capnp::uint>(size);
}

template <typename Result>
void writeNothing(Result result, const Outcome<void>& outcome) {
  if (outcome) {
    result.initOk();
  } else {
    ipc::writeRefusal(result.initRefused(), outcome.error());
  }
}

void writeBegun(schema::Begun::Builder to, kj::Own<Intake> intake) {
  to.setImageId(intake->imageId().text());
  auto missing = intake->missing();
  auto list = to.initMissing(count(missing.size()));
  for (capnp::uint i = 0; i < list.size(); ++i) {
    list[i].setIndex(i);
    list[i].setDigest(missing[i].digest.text());
    list[i].setSize(missing[i].size);
  }
  to.setIntake(kj::heap<IntakeServer>(kj::mv(intake)));
}

void writeUser(schema::User::Builder to, const FoundUser& user) {
  to.setUid(user.uid);
  to.setGid(user.gid);
  auto groups = to.initGroups(count(user.groups.size()));
  for (capnp::uint i = 0; i < groups.size(); ++i) groups.set(i, user.groups[i]);
}

Outcome<Documents> readDocuments(schema::Documents::Reader from) {
  auto signatures = ipc::packSignatures(from.getSignatures());
  if (!signatures) return tl::unexpected(signatures.error());
  return Documents{ipc::toString(from.getIndex()), ipc::toString(from.getManifest()),
                   ipc::toString(from.getConfig()), *std::move(signatures)};
}

Outcome<ContainerRow> readContainer(schema::Storaged::CreateLayerParams::Reader from) {
  auto container = ContainerId::parse(ipc::toString(from.getContainerId()), "containerId");
  if (!container) return tl::unexpected(container.error());
  auto image = ImageId::parse(ipc::toString(from.getImageId()), "imageId");
  if (!image) return tl::unexpected(image.error());
  ContainerRow row{*std::move(container), *std::move(image), {}};
  for (auto volume : from.getVolumes()) {
    auto mounted = ImageId::parse(ipc::toString(volume.getImageId()), "volumes");
    if (!mounted) return tl::unexpected(mounted.error());
    row.volumes.insert(*std::move(mounted));
  }
  return row;
}

// The root and the volumes; ids that are none were refused by readContainer().
std::vector<ImageUse> readUses(schema::Storaged::CreateLayerParams::Reader from, const ImageId& root) {
  std::vector<ImageUse> uses{{root, ipc::toString(from.getAsked())}};
  for (auto volume : from.getVolumes()) {
    if (auto id = ImageId::parse(ipc::toString(volume.getImageId()), "volumes"))
      uses.push_back({*std::move(id), ipc::toString(volume.getAsked())});
  }
  return uses;
}

void writeFileSystem(const std::string& path, schema::LayerUsage::Builder usage) {
  struct statvfs info {};
  if (::statvfs(path.c_str(), &info) != 0) return;
  usage.setTotalBytes(std::uint64_t{info.f_blocks} * info.f_frsize);
  usage.setTotalInodes(info.f_files);
  usage.setFreeInodes(info.f_favail);
}

void writeLayers(const std::map<ContainerId, ContainerUsage::Count>& counts,
                 schema::LayerUsage::Builder usage) {
  auto layers = usage.initLayers(count(counts.size()));
  capnp::uint i = 0;
  for (const auto& [id, counted] : counts) {
    auto layer = layers[i++];
    layer.setContainerId(id.text());
    layer.setTimestamp(counted.at);
    layer.setBytes(counted.size.bytes);
    layer.setInodes(counted.size.inodes);
  }
}

}  // namespace

kj::Promise<void> StorageServer::beginImage(BeginImageContext context) {
  context.allowCancellation();
  return answerLater("beginImage", [&]() -> kj::Promise<void> {
    auto params = context.getParams();
    auto reference = ImageReference::parse(ipc::toString(params.getReference()), "reference");
    if (!reference) {
      ipc::writeRefusal(context.getResults().initResult().initRefused(), reference.error());
      return kj::READY_NOW;
    }
    auto documents = readDocuments(params.getDocuments());
    if (!documents) {
      ipc::writeRefusal(context.getResults().initResult().initRefused(), documents.error());
      return kj::READY_NOW;
    }
    std::string podNamespace = ipc::toString(params.getNamespace());
    context.releaseParams();  // up to 16 MiB
    auto begun = images_.begin(*std::move(reference), *std::move(documents), podNamespace);
    return begun.then([context](Outcome<kj::Own<Intake>>&& intake) mutable {
      auto result = context.getResults().initResult();
      if (intake) {
        writeBegun(result.initOk(), kj::mv(*intake));
      } else {
        ipc::writeRefusal(result.initRefused(), intake.error());
      }
    });
  });
}

kj::Promise<void> StorageServer::imageStatus(ImageStatusContext context) {
  return answerNow("imageStatus", [&]() {
    auto params = context.getParams();
    // What is no name names no image.
    auto found = images_.status(ipc::toString(params.getName()));
    auto image = context.getResults().initImage();
    if (!found || !*found) return image.setAbsent();
    auto present = image.initPresent();
    writeImage(present, **found, Detail::whole);
    if (params.getVerbose()) present.setDocument(ipc::toData(images_.document((*found)->id)));
  });
}

kj::Promise<void> StorageServer::listImages(ListImagesContext context) {
  return answerNow("listImages", [&]() {
    const auto& images = images_.list();
    auto list = context.getResults().initImages(count(images.size()));
    for (capnp::uint i = 0; i < list.size(); ++i) writeImage(list[i], images[i], Detail::user);
  });
}

kj::Promise<void> StorageServer::removeImage(RemoveImageContext context) {
  return answerLater("removeImage", [&]() {
    auto removed = images_.remove(ipc::toString(context.getParams().getName()));
    return removed.then([context](Outcome<void>&& outcome) mutable {
      writeNothing(context.getResults().initResult(), outcome);
    });
  });
}

kj::Promise<void> StorageServer::usage(UsageContext context) {
  return answerNow("usage", [&]() {
    using namespace std::chrono;
    auto usage = context.getResults().initUsage();
    usage.setTimestamp(duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count());
    usage.setMountpoint(parts_.store.path());
    Size images = parts_.index.layersTotal();
    usage.setImageBytes(images.bytes);
    usage.setImageInodes(images.inodes);
    Size containers = usage_.total();
    usage.setContainerBytes(containers.bytes);
    usage.setContainerInodes(containers.inodes);
  });
}

kj::Promise<void> StorageServer::layerUsage(LayerUsageContext context) {
  return answerLater("layerUsage", [&]() {
    return usage_.each().then([this, context](std::map<ContainerId, ContainerUsage::Count>&& counts) mutable {
      auto usage = context.getResults().initUsage();
      usage.setMountpoint(parts_.store.path());
      writeFileSystem(parts_.store.path(), usage);
      writeLayers(counts, usage);
    });
  });
}

kj::Promise<void> StorageServer::listPulls(ListPullsContext context) {
  return answerNow("listPulls", [&]() {
    auto pulls = images_.pulls();
    auto list = context.getResults().initPulls(count(pulls.size()));
    for (capnp::uint i = 0; i < list.size(); ++i) {
      const PullView& pull = pulls[i];
      list[i].setReference(pull.reference);
      list[i].setLayersDone(pull.layersDone);
      list[i].setLayersTotal(pull.layersTotal);
      list[i].setBytesDone(pull.bytesDone);
      list[i].setBytesTotal(pull.bytesTotal);
      list[i].setStartedAt(pull.startedAt);
    }
  });
}

kj::Promise<void> StorageServer::createLayer(CreateLayerContext context) {
  context.allowCancellation();
  return answerLater("createLayer", [&]() -> kj::Promise<void> {
    auto params = context.getParams();
    auto row = readContainer(params);
    if (!row) {
      ipc::writeRefusal(context.getResults().initResult().initRefused(), row.error());
      return kj::READY_NOW;
    }
    auto trusted = trust_.mayBeUsed(readUses(params, row->image), ipc::toString(params.getNamespace()));
    auto created = trusted.then(
        [this, row = *std::move(row)](Outcome<void>&& may) mutable -> kj::Promise<Outcome<void>> {
          if (!may) return kj::mv(may);
          return layers_.create(std::move(row));
        });
    return created.then([context](Outcome<void>&& outcome) mutable {
      writeNothing(context.getResults().initResult(), outcome);
    });
  });
}

kj::Promise<void> StorageServer::lookupUser(LookupUserContext context) {
  return answerLater("lookupUser", [&]() -> kj::Promise<void> {
    auto params = context.getParams();
    auto image = ImageId::parse(ipc::toString(params.getImageId()), "imageId");
    if (!image) {
      ipc::writeRefusal(context.getResults().initResult().initRefused(), image.error());
      return kj::READY_NOW;
    }
    auto found = users_.find({*std::move(image), ipc::toString(params.getUser()), params.getMemberships()});
    return found.then([context](Outcome<FoundUser>&& user) mutable {
      auto result = context.getResults().initResult();
      if (user) {
        writeUser(result.initOk(), *user);
      } else {
        ipc::writeRefusal(result.initRefused(), user.error());
      }
    });
  });
}

kj::Promise<void> StorageServer::removeLayer(RemoveLayerContext context) {
  return answerLater("removeLayer", [&]() -> kj::Promise<void> {
    auto container = ContainerId::parse(ipc::toString(context.getParams().getContainerId()), "containerId");
    if (!container) {
      ipc::writeRefusal(context.getResults().initResult().initRefused(), container.error());
      return kj::READY_NOW;
    }
    return layers_.remove(*container).then([context]() mutable {
      context.getResults().initResult().initOk();
    });
  });
}

kj::Promise<void> StorageServer::listLayers(ListLayersContext context) {
  return answerNow("listLayers", [&]() {
    auto rows = layers_.list();
    auto list = context.getResults().initLayers(count(rows.size()));
    for (capnp::uint i = 0; i < list.size(); ++i) {
      list[i].setContainerId(rows[i].id.text());
      list[i].setImageId(rows[i].image.text());
    }
  });
}

kj::Promise<void> StorageServer::signaturesWanted(SignaturesWantedContext context) {
  context.allowCancellation();
  return answerLater("signaturesWanted", [&]() -> kj::Promise<void> {
    auto params = context.getParams();
    std::optional<ImageReference> name;
    if (params.getReference().size() > 0) {
      auto reference = ImageReference::parse(ipc::toString(params.getReference()), "reference");
      if (!reference) {
        ipc::writeRefusal(context.getResults().initResult().initRefused(), reference.error());
        return kj::READY_NOW;
      }
      name = *std::move(reference);
    }
    auto wanted = trust_.wanted(name, ipc::toString(params.getNamespace()));
    return wanted.then([context](Outcome<SignatureKinds>&& kinds) mutable {
      auto result = context.getResults().initResult();
      if (!kinds) return ipc::writeRefusal(result.initRefused(), kinds.error());
      auto to = result.initOk();
      to.setSimple(kinds->simple);
      to.setSigstore(kinds->sigstore);
    });
  });
}

}  // namespace bulkhead::storaged
