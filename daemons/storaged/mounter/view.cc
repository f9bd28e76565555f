#include "daemons/storaged/mounter/view.h"

#include "daemons/common/base/beneath.h"
#include "daemons/common/jail/view.h"

namespace bulkhead::mounter {

Fd enterView(int store) {
  std::vector<jail::Piece> pieces;
  pieces.push_back({jail::cloneMount(store, 0), "/store"});
  pieces.push_back({jail::cloneMount(openDirectory("/proc").get(), 0), "/proc"});
  pieces.push_back({Fd(), stage});
  jail::enterView(pieces);
  return openDirectory("/store");
}

}  // namespace bulkhead::mounter
