#include "daemons/storaged/cells/composition.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/storaged/drivers/subvolume.h"
#include "ipc/convert.h"
#include "ipc/limits.h"

namespace bulkhead::cells {
namespace {

constexpr unsigned inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
constexpr mode_t rootMode = 0755;

Fd openLayer(const overlay::Stores& stores, const LayerName& layer) {
  Fd files = overlay::tryOpenLayer(stores, layer);
  if (!files) throwErrno("open a layer");
  return files;
}

Fd makeNew(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), rootMode) != 0) throwErrno("mkdir " + name);
  return openBeneath(parent, name, O_RDONLY | O_DIRECTORY);
}

Fd makeRoot(int store, Driver driver, const Composition& composition) {
  const auto* container = std::get_if<ContainerId>(&composition.into);
  std::string place = container != nullptr ? "containers/" + container->text()
                                           : "staging/" + std::get<LayerName>(composition.into).text();
  Fd directory = openBeneath(store, place, O_RDONLY | O_DIRECTORY);
  Fd closed = makeClosedDirectory(directory.get(), "closed");
  const char* name = container != nullptr ? "root" : "diff";
  if (composition.onto)
    return drivers::makeSnapshot(closed.get(), name, openLayer(store, *composition.onto).get());
  return driver == Driver::btrfs ? drivers::makeSubvolume(closed.get(), name) : makeNew(closed.get(), name);
}

}  // namespace

Outcome<Composition> parseComposition(schema::WorkerRequest::Compose::Reader from) {
  std::optional<Composition> composition;
  if (from.getInto().isContainer()) {
    auto container = ContainerId::parse(ipc::toString(from.getInto().getContainer()), "container");
    if (!container) return tl::unexpected(container.error());
    composition = Composition{*std::move(container), {}, {}};
  } else {
    auto tree = LayerName::parse(ipc::toString(from.getInto().getTree()));
    if (!tree) return tl::unexpected(tree.error());
    composition = Composition{*std::move(tree), {}, {}};
  }
  if (from.hasOnto()) {
    auto onto = LayerName::parse(ipc::toString(from.getOnto()));
    if (!onto) return tl::unexpected(onto.error());
    composition->onto = *std::move(onto);
  }
  if (from.getLayers().size() > limits::imageLayers) return invalid("layers", "are more than 127");
  for (auto text : from.getLayers()) {
    auto layer = LayerName::parse(ipc::toString(text));
    if (!layer) return tl::unexpected(layer.error());
    composition->layers.push_back(*std::move(layer));
  }
  return *std::move(composition);
}

Fd makeLayerFiles(int staged, Driver driver) {
  Fd closed = makeClosedDirectory(staged, "closed");
  Fd files = tryOpenBeneath(closed.get(), "diff", O_RDONLY | O_DIRECTORY);
  if (!files && driver == Driver::btrfs) files = drivers::makeSubvolume(closed.get(), "diff");
  if (!files) files = makeDirectory(closed.get(), "diff", rootMode);
  // The umask took bits away.
  if (::fchmod(files.get(), rootMode) != 0) throwErrno("chmod the layer's directory");
  return files;
}

std::vector<jail::Piece> prepare(const overlay::Stores& stores, Driver driver,
                                 const Composition& composition) {
  std::vector<jail::Piece> pieces;
  pieces.push_back({jail::cloneMount(makeRoot(stores.own, driver, composition).get(), inert), "/target"});
  pieces.push_back({Fd(), "/layers"});
  for (size_t i = 0; i < composition.layers.size(); ++i) {
    Fd layer = openLayer(stores, composition.layers[i]);
    pieces.push_back(
        {jail::cloneMount(layer.get(), inert | MOUNT_ATTR_RDONLY), "/layers/" + std::to_string(i)});
  }
  return pieces;
}

void destroyVolumes(int store, const LayerName& inTrash) {
  Fd closed = tryOpenBeneath(store, "trash/" + inTrash.text() + "/closed", O_RDONLY | O_DIRECTORY);
  if (!closed) return;
  for (const char* name : {"diff", "root", "volumes"}) (void)drivers::destroySubvolume(closed.get(), name);
}

}  // namespace bulkhead::cells
