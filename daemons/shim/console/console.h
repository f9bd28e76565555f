// Where an OCI runtime leaves the terminal of the process that it makes.
#pragma once

#include <string>

#include "daemons/common/base/fd.h"

namespace bulkhead::console {

class ConsoleSocket {
 public:
  // A listening socket in `directory`, which is root's alone, is borrowed and must stay open. Throws
  // SystemError.
  explicit ConsoleSocket(int directory);
  ~ConsoleSocket();
  ConsoleSocket(const ConsoleSocket&) = delete;
  ConsoleSocket& operator=(const ConsoleSocket&) = delete;

  // For --console-socket: short whatever the directory is called, and good while this process lives.
  [[nodiscard]] const std::string& path() const { return path_; }

  // Once the runtime has ended well: the master that it sent. Invalid if it sent none, or something else.
  // Does not wait.
  Fd takeTerminal();

 private:
  int directory_;
  std::string name_;
  std::string path_;
  Fd listener_;
};

// A master of a pseudo terminal (pty(7)), and nothing that only looks like one.
bool isTerminalMaster(int fd);

// Sends `terminal` over `socket`, a connected one of AF_UNIX, with one byte that means nothing. False if
// nobody takes it.
bool sendTerminal(int socket, const Fd& terminal);

}  // namespace bulkhead::console
