#include "daemons/shim/monitor/log-writer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>

namespace bulkhead::shim {
namespace {

constexpr size_t longestLine = 16 * 1024;  // the peers' limit

std::string_view nameOf(Stream stream) {
  return stream == Stream::out ? "stdout" : "stderr";
}

bool isSameFile(const Fd& a, const Fd& b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a.get(), &first) == 0 && ::fstat(b.get(), &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

// Without gmtime(3): that opens the time zone's file, and there is none in here.
std::string rfc3339(std::int64_t nanoseconds) {
  using namespace std::chrono;
  sys_time<std::chrono::nanoseconds> when{std::chrono::nanoseconds(nanoseconds)};
  auto day = floor<days>(when);
  year_month_day date(day);
  hh_mm_ss time(when - day);
  std::array<char, 64> text{};
  int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%09dZ",
                           static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                           static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                           static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                           static_cast<int>(time.subseconds().count()));
  return {text.data(), static_cast<size_t>(size)};
}

void LogWriter::append(Stream stream, std::string_view bytes, std::int64_t now) {
  std::string stamp = rfc3339(now);
  std::string& pending = pending_[static_cast<size_t>(stream)];
  while (!bytes.empty()) {
    std::string_view head = bytes.substr(0, longestLine - pending.size());
    size_t end = head.find('\n');
    std::string_view text = head.substr(0, end);
    bytes.remove_prefix(end == head.npos ? head.size() : end + 1);
    if (end == head.npos && pending.size() + text.size() < longestLine) {
      pending += text;
      break;
    }
    char tag = end == head.npos ? 'P' : 'F';
    if (pending.empty()) {
      entry(stamp, stream, tag, text);
    } else {
      pending += text;
      entry(stamp, stream, tag, pending);
      pending.clear();
    }
  }
  flush(stamp);
}

void LogWriter::finish(Stream stream, std::int64_t now) {
  std::string& pending = pending_[static_cast<size_t>(stream)];
  if (pending.empty()) return;
  std::string stamp = rfc3339(now);
  entry(stamp, stream, 'P', pending);
  pending.clear();
  flush(stamp);
}

void LogWriter::reopen(Fd file, std::int64_t now) {
  finish(Stream::out, now);
  finish(Stream::err, now);
  if (!isSameFile(file_, file)) torn_ = false;
  file_ = std::move(file);
}

void LogWriter::entry(std::string_view stamp, Stream stream, char tag, std::string_view text) {
  batch_.append(stamp)
      .append(1, ' ')
      .append(nameOf(stream))
      .append({' ', tag, ' '})
      .append(text)
      .append(1, '\n');
}

// One write for everything that was read at once.
void LogWriter::flush(std::string_view stamp) {
  if (batch_.empty()) return;
  std::string prefix = torn_ ? "\n" : "";
  if (dropped_ > 0) {
    prefix.append(stamp).append(" stderr F [bulkhead: ").append(std::to_string(dropped_));
    prefix.append(" bytes of log were lost, the disk did not take them]\n");
  }
  batch_.insert(0, prefix);
  ssize_t written = 0;
  while ((written = ::write(file_.get(), batch_.data(), batch_.size())) < 0 && errno == EINTR) {
  }
  auto taken = static_cast<size_t>(std::max<ssize_t>(written, 0));
  if (taken >= prefix.size()) {
    if (taken > 0) dropped_ = 0;
    dropped_ += batch_.size() - taken;
  } else {
    dropped_ += batch_.size() - prefix.size();
  }
  if (taken > 0) torn_ = batch_[taken - 1] != '\n';
  batch_.clear();
}

}  // namespace bulkhead::shim
