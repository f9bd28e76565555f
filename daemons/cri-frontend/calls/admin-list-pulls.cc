#include "daemons/cri-frontend/calls/calls.h"

namespace bulkhead::cri {
namespace {

namespace admin = ::bulkhead::admin::v1;

void write(admin::Pull& to, const PullBoard::Entry& entry, const std::vector<PullProgress>& progress) {
  to.set_reference(entry.reference);
  to.set_started_at(entry.startedAt);
  to.set_stage(entry.stage);
  to.set_host(entry.host);
  for (const auto& pull : progress) {
    if (pull.reference != entry.fullName) continue;
    to.set_layers_done(pull.layersDone);
    to.set_layers_total(pull.layersTotal);
    to.set_bytes_done(pull.bytesDone);
    to.set_bytes_total(pull.bytesTotal);
  }
}

}  // namespace

Answer<admin::ListPullsResponse> listPulls(Frontend& frontend, const admin::ListPullsRequest&) {
  return andThen(frontend.storaged.listPulls(), [&frontend](std::vector<PullProgress>&& progress) {
    admin::ListPullsResponse response;
    for (const auto& entry : frontend.pulls.entries()) write(*response.add_pulls(), entry, progress);
    return Answer<admin::ListPullsResponse>(Outcome<admin::ListPullsResponse>(std::move(response)));
  });
}

}  // namespace bulkhead::cri
