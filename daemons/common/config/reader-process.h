// The child that reads the configuration: started with a uid of its own and nothing else.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "ipc/packet.h"

namespace bulkhead {

// Forks and executes `program` with `arguments`: its stdout is `output`, its descriptors from 3 up are
// `files`. If we are root it runs as account bulkhead-config, or as 1900000004 where there is none; else as
// ourselves. No capability and no_new_privs before it executes. Throws SystemError; the child reports what
// fails in it on stderr and exits 127.
pid_t startReader(const std::string& program, const std::vector<std::string>& arguments, int output,
                  const std::vector<int>& files);

// Its answer, of 4 MiB at most, after which it has ended; a reader that takes 30 s is killed. Throws
// std::runtime_error if it gives none.
ipc::Packet receiveAnswer(int fd, pid_t reader);

}  // namespace bulkhead
