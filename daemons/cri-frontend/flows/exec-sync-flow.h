// ExecSync: our pipes, the launcher's exec, both outputs drained on the loop.
#pragma once

#include <string>
#include <vector>

#include "daemons/cri-frontend/flows/output-drain.h"
#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

struct ExecOutput {
  std::string out;
  std::string err;
  int exitCode = 0;
};

class ExecSyncFlow {
 public:
  // `timeoutMs` 0: none. At the timeout what the exec started is killed, and the answer is deadlineExceeded.
  // Each output ends at limits::execOutput, and both together at what one gRPC message holds; the rest is
  // dropped.
  static Answer<ExecOutput> run(Frontend& frontend, ContainerRef container, std::vector<std::string> args,
                                uint32_t timeoutMs);

  ExecSyncFlow(Frontend& frontend, Pipe out, Pipe err);

 private:
  Answer<ExecResult> launch(Frontend& frontend, const Container& container,
                            const std::vector<std::string>& args, uint32_t timeoutMs);
  Outcome<ExecOutput> finish(const ExecResult& result);

  Fd outWriter_;
  Fd errWriter_;
  OutputDrain out_;
  OutputDrain err_;
  kj::Promise<void> drainingOut_;
  kj::Promise<void> drainingErr_;
};

}  // namespace bulkhead::cri
