// The calls that answer a URL; what happens there is streaming/.
#pragma once

#include "daemons/cri-frontend/calls/calls.h"
#include "daemons/cri-frontend/streaming/server.h"

namespace bulkhead::cri {

Answer<v1::ExecResponse> exec(Frontend& frontend, const v1::ExecRequest& request);
Answer<v1::AttachResponse> attach(Frontend& frontend, const v1::AttachRequest& request);
Answer<v1::PortForwardResponse> portForward(Frontend& frontend, const v1::PortForwardRequest& request);

// What Exec and Attach ask for.
template <typename Request>
Outcome<streaming::Wanted> wantedBy(const Request& request) {
  if (!request.stdin() && !request.stdout() && !request.stderr())
    return invalid("", "none of stdin, stdout and stderr is asked for");
  // cri-api, ExecRequest: "If `tty` is true, `stderr` MUST be false."
  if (request.tty() && request.stderr()) return invalid("stderr", "is no stream of its own on a terminal");
  return streaming::Wanted{request.stdin(), request.stdout(), request.stderr(), request.tty()};
}

template <typename Response>
Answer<Response> offerUrl(Frontend& frontend, streaming::Offer offer) {
  if (frontend.streaming == nullptr)
    return refused<Response>({Code::failedPrecondition, "", "nothing is listening for streams"});
  auto url = frontend.streaming->offer(std::move(offer));
  if (!url) return refused<Response>(url.error());
  Response response;
  response.set_url(*url);
  return Outcome<Response>(std::move(response));
}

}  // namespace bulkhead::cri
