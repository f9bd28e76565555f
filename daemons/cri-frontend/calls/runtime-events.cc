#include "daemons/cri-frontend/calls/streams.h"

namespace bulkhead::cri {

Stream<v1::ContainerEventResponse> getContainerEvents(Frontend& frontend, const v1::GetEventsRequest&) {
  return frontend.events.listen();
}

}  // namespace bulkhead::cri
