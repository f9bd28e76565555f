#include "daemons/netd/owed.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <stdexcept>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/netd/pod-record.h"

namespace bulkhead::netd {
namespace {

constexpr int format = 1;
// A conflist of 1 MiB at most, and the pod with its annotations, whose bytes may become six (\u0000); or a
// result (limits::pluginOutput), written more widely than it came.
constexpr size_t largestRecord = 4 * 1024 * 1024;
constexpr unsigned fileMode = 0600;

struct CloseDirectory {
  void operator()(DIR* stream) const { (void)::closedir(stream); }
};

// Names that are pod ids; the rest is what an interrupted write left.
std::vector<PodId> podsIn(int directory) {
  Fd again = openBeneath(directory, ".", O_RDONLY | O_DIRECTORY);
  std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(again.get()));
  if (!stream) throwErrno("read the directory of records");
  (void)again.release();
  std::vector<PodId> pods;
  while (const dirent* entry = ::readdir(stream.get())) {
    if (auto pod = PodId::parse(entry->d_name, "file")) pods.push_back(*pod);
  }
  return pods;
}

// Empty if absent or too large.
std::string readRecord(int directory, const PodId& pod) {
  Fd file = tryOpenBeneath(directory, pod.text(), O_RDONLY);
  return file ? readBounded(file.get(), largestRecord).value_or("") : std::string();
}

std::string readableAgain(std::string bytes) {
  if (bytes.size() > largestRecord) throw std::length_error("a record is larger than 4 MiB");
  return bytes;
}

// Nothing if the ADD did not finish. An empty file too, which a power cut may leave: the pod is gone then.
std::optional<CniResult> readResult(int directory, const PodId& pod) {
  Fd file = tryOpenBeneath(directory, pod.text(), O_RDONLY);
  auto text = file ? readBounded(file.get(), largestRecord) : std::string();
  if (text && text->empty()) return std::nullopt;
  if (auto result = parseCniResult(text.value_or(""), "recorded")) return *result;
  log::error("result of an ADD cannot be read", {{"pod", pod.text()}});
  return CniResult{};
}

void writeWhole(int directory, const std::string& name, const std::string& bytes) {
  std::string temporary = "." + name + ".new";
  Fd file = openBeneath(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC, fileMode);
  if (!writeAll(file.get(), bytes)) throwErrno("write a result");
  if (::renameat(directory, temporary.c_str(), directory, name.c_str()) != 0) throwErrno("rename a result");
}

void removeIfThere(int directory, const std::string& name) {
  if (::unlinkat(directory, name.c_str(), 0) != 0 && errno != ENOENT) throwErrno("unlink a record");
}

}  // namespace

std::string serialise(const OwedRecord& record) {
  Json document{{"format", format},
                {"detaching", record.detaching},
                {"pod", toJson(record.pod)},
                {"conflist", record.conflist.document()}};
  return document.dump();
}

Outcome<OwedRecord> parseOwedRecord(std::string_view text) {
  auto document = parseObject(text, "record");
  if (!document) return tl::unexpected(document.error());
  if (document->value("format", Json()) != format) return invalid("record", "has an unknown format");
  auto pod = document->find("pod");
  auto conflist = document->find("conflist");
  if (pod == document->end() || !pod->is_object() || conflist == document->end()) {
    return invalid("record", "lacks its pod or conflist");
  }
  auto network = podFromJson(*pod);
  if (!network) return tl::unexpected(network.error());
  auto parsed = parseConflist(conflist->dump(), "conflist");
  if (!parsed) return tl::unexpected(parsed.error());
  return OwedRecord{std::move(*network), std::move(*parsed), document->value("detaching", Json()) == true};
}

OwedRecords::OwedRecords(int state, DiskThread& disk)
    : owed_(makeDirectory(state, "owed", 0700)),
      attached_(makeDirectory(state, "attached", 0700)),
      disk_(disk) {}

std::vector<OwedRecords::Loaded> OwedRecords::load() {
  std::vector<Loaded> all;
  for (const PodId& pod : podsIn(owed_.get())) {
    auto record = parseOwedRecord(readRecord(owed_.get(), pod));
    if (!record || record->pod.id != pod) {
      log::error("owed record cannot be read", {{"pod", pod.text()}});
      continue;
    }
    all.push_back({std::move(*record), readResult(attached_.get(), pod)});
  }
  sweepResults();
  return all;
}

void OwedRecords::sweepResults() {
  for (const PodId& pod : podsIn(attached_.get())) {
    if (!tryOpenBeneath(owed_.get(), pod.text(), O_PATH)) removeIfThere(attached_.get(), pod.text());
  }
}

kj::Promise<void> OwedRecords::write(const OwedRecord& record) {
  auto bytes = readableAgain(serialise(record));
  return disk_.run([directory = owed_.get(), name = record.pod.id.text(), bytes = std::move(bytes)]() {
    replaceDurably(directory, name, bytes, fileMode);
  });
}

kj::Promise<void> OwedRecords::writeResult(const PodId& pod, const CniResult& result) {
  auto bytes = readableAgain(result.document.dump());
  return disk_.run([directory = attached_.get(), name = pod.text(), bytes = std::move(bytes)]() {
    writeWhole(directory, name, bytes);
  });
}

kj::Promise<void> OwedRecords::forget(const PodId& pod) {
  return disk_.run([owed = owed_.get(), attached = attached_.get(), name = pod.text()]() {
    removeIfThere(owed, name);
    removeIfThere(attached, name);
  });
}

}  // namespace bulkhead::netd
