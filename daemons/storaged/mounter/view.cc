#include "daemons/storaged/mounter/view.h"

#include <sys/mount.h>

#include <string>

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/view.h"

namespace bulkhead::mounter {

View enterView(const overlay::Stores& outside) {
  std::vector<jail::Piece> pieces;
  pieces.push_back({jail::cloneMount(outside.own, 0), "/store"});
  pieces.push_back({jail::cloneMount(openDirectory("/proc").get(), 0), "/proc"});
  pieces.push_back({Fd(), stage});
  pieces.push_back({Fd(), "/additional"});
  auto pathOf = [](size_t number) { return "/additional/" + std::to_string(number); };
  for (size_t i = 0; i < outside.additional.size(); ++i)
    pieces.push_back({jail::cloneMount(outside.additional[i], MOUNT_ATTR_RDONLY), pathOf(i)});
  jail::enterView(pieces);
  View view{openDirectory("/store"), {}};
  for (size_t i = 0; i < outside.additional.size(); ++i) view.additional.push_back(openDirectory(pathOf(i)));
  return view;
}

}  // namespace bulkhead::mounter
