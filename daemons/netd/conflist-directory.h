// The directory of CNI configuration: which network pods get, followed as files come, go and change.
#pragma once

#include <string>
#include <vector>

#include "daemons/netd/conflist.h"

namespace bulkhead::netd {

class ConflistDirectory {
 public:
  // `path` need not exist yet. `defaultNetwork` empty: the first valid file by name (*.conflist, *.conf,
  // *.json).
  ConflistDirectory(std::string path, std::string defaultNetwork);

  // The configuration to use now. The files are looked at each time and read again when one of them changed,
  // so that neither a notification nor a replaced directory can be missed. Files that are not valid, or
  // that others than root may write, are passed over with a warning; failedPrecondition, with a text for the
  // node's condition, if none remains. Valid until the next call.
  const Outcome<Conflist>& current();
  // Another number whenever the files were read anew.
  [[nodiscard]] unsigned generation() const { return generation_; }

 private:
  struct Entry {
    std::string name;
    unsigned long long inode = 0;
    long long size = 0;
    long long modifiedNs = 0;
    bool operator==(const Entry&) const = default;
  };

  // Nothing if the directory cannot be opened, with errno.
  [[nodiscard]] Outcome<std::vector<Entry>> look() const;
  [[nodiscard]] Outcome<Conflist> choose(const std::vector<Entry>& entries) const;

  std::string path_;
  std::string defaultNetwork_;
  std::vector<Entry> seen_;
  Outcome<Conflist> current_;
  unsigned generation_ = 0;
};

}  // namespace bulkhead::netd
