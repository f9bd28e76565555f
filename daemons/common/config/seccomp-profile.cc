#include "daemons/common/config/seccomp-profile.h"

#include "daemons/common/base/fd.h"
#include "daemons/common/base/log.h"
#include "daemons/common/config/reader-process.h"
#include "ipc/convert.h"

namespace bulkhead {

Outcome<LoadedSeccomp> loadSeccomp(const std::string& library, int file,
                                   const std::vector<std::string>& capabilities, const std::string& field) {
  std::vector<std::string> arguments{"--seccomp"};
  arguments.insert(arguments.end(), capabilities.begin(), capabilities.end());
  Pipe pipe = makePipe();
  pid_t reader = startReader(library + "/bulkhead-config", arguments, pipe.write.get(), {file});
  pipe.write.reset();
  ipc::Packet packet = receiveAnswer(pipe.read.get(), reader);
  auto answer = packet.as<schema::SeccompAnswer>();
  constexpr size_t shown = 200;
  if (answer.isError()) return invalid(field, log::printable(ipc::toString(answer.getError()), shown));
  return LoadedSeccomp(std::move(packet));
}

}  // namespace bulkhead
