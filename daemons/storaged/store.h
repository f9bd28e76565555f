// The store's directories. Names come as types, so no path here is built from anybody's text.
//
//   layers/NAME/closed/diff    what the index names: whole, never changed again
//   staging/NAME/closed/diff   layers on their way in; swept at start
//   trash/NAME                 renamed out of the way, being erased
//   containers/ID              writable layers; the mounter makes what is inside
//   bulkhead.sqlite            the index
//
// The directories themselves belong to storaged's main, which renames them; "closed" is root's, 0700, so main
// can neither read nor write what is inside a layer. Were it to get there, its view of the store is nodev.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/storaged/size.h"

namespace bulkhead::storaged {

// As root, before confinement: the store and its directories exist, belong to storaged, and are closed to
// others. Throws SystemError.
void prepareStore(const std::string& path, uid_t uid, gid_t gid);

class Store {
 public:
  // Of a prepared store. Throws SystemError.
  explicit Store(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string indexPath() const { return path_ + "/bulkhead.sqlite"; }

  // staging/NAME, empty; the zygote makes what is inside.
  void makeStaged(const LayerName& name);
  // To be opened before the first byte is written that settle() is to see on disk: the kernel reports a
  // failed write-back once to every open file, and only what failed since it was opened (syncfs(2)).
  [[nodiscard]] Fd openForSync() const;
  // What a layer takes besides its files: the directories around them.
  [[nodiscard]] Size wrappingOf(const LayerName& staged) const;
  // Moves staged layers to layers/, durably: one syncfs of everything, the renames, fsync of both parents.
  // Blocks long; callable from any thread.
  void settle(const std::vector<LayerName>& names, int openedForSync) const;
  // containers/ID; existing is ok.
  void makeContainer(const ContainerId& id);

  enum class Place { layers, staging, containers, trash };
  // Entries, also those whose names are no names of ours.
  [[nodiscard]] std::vector<std::string> list(Place place) const;
  // Renames an entry into the trash under a fresh name. Nothing if it is not there. Throws SystemError.
  std::optional<LayerName> toTrash(Place place, const std::string& name);
  // Removes a directory in the trash that an erase worker has emptied: from inside its cell the worker cannot
  // remove the cell itself. Absent is ok. False with errno if it is not empty.
  [[nodiscard]] bool removeEmptied(const LayerName& inTrash);

 private:
  [[nodiscard]] int dir(Place place) const;

  std::string path_;
  Fd root_;
  Fd layers_;
  Fd staging_;
  Fd trash_;
  Fd containers_;
};

}  // namespace bulkhead::storaged
