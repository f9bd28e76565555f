#include "daemons/shim/resources/transaction.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/error.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"

namespace bulkhead::resources {
namespace {

constexpr size_t longestValue = 4096;  // of cpuset.cpus

std::optional<std::string> readFrom(int file) {
  if (::lseek(file, 0, SEEK_SET) != 0) return std::nullopt;
  auto text = readBounded(file, longestValue);
  while (text && !text->empty() && text->back() == '\n') text->pop_back();
  return text;
}

// The end of the line makes it a write even where the value is empty.
bool writeTo(int file, const std::string& value) {
  std::string line = value + "\n";
  return ::ftruncate(file, 0) == 0 &&
         ::pwrite(file, line.data(), line.size(), 0) == static_cast<ssize_t>(line.size());
}

}  // namespace

Transaction::~Transaction() {
  for (auto step = done_.rbegin(); step != done_.rend(); ++step) {
    if (writeTo(step->file.get(), step->before) || errno == ENODEV || errno == ESRCH) continue;
    log::error("a limit could not be put back", {{"file", step->name}, {"error", errnoText(errno)}});
  }
}

int Transaction::write(int directory, const std::string& file, const std::string& value) {
  Fd opened = tryOpenBeneath(directory, file, O_RDWR);
  if (!opened) return errno;
  auto before = readFrom(opened.get());
  if (!before) return EIO;
  // Remembered first: a write that fails may have left something all the same.
  done_.push_back({std::move(opened), file, std::move(*before)});
  if (writeTo(done_.back().file.get(), value)) return 0;
  int error = errno;
  return error != 0 ? error : EIO;
}

std::optional<std::string> readValue(int directory, const std::string& file) {
  Fd opened = tryOpenBeneath(directory, file, O_RDONLY);
  return opened ? readFrom(opened.get()) : std::nullopt;
}

}  // namespace bulkhead::resources
