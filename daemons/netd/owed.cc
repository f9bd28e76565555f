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

namespace bulkhead::netd {
namespace {

constexpr int format = 1;
// A conflist of 1 MiB at most, and the pod; or a result (limits::pluginOutput), written more widely than it
// came.
constexpr size_t largestRecord = 2 * 1024 * 1024;
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
  if (bytes.size() > largestRecord) throw std::length_error("a record is larger than 2 MiB");
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

Json toJson(const PortMapping& mapping) {
  return {{"protocol", mapping.protocol},
          {"containerPort", mapping.containerPort},
          {"hostPort", mapping.hostPort},
          {"hostIp", mapping.hostIp}};
}

Outcome<PortMapping> parseMapping(const Json& from) {
  if (!from.is_object()) return invalid("portMappings", "holds something else than objects");
  auto port = [&from](const char* key) -> std::uint16_t {
    auto found = from.find(key);
    bool fits = found != from.end() && found->is_number_unsigned() && found->get<std::uint64_t>() <= 65535;
    return fits ? found->get<std::uint16_t>() : 0;
  };
  PortMapping mapping{stringAt(from, "protocol"), port("containerPort"), port("hostPort"),
                      stringAt(from, "hostIp")};
  if (mapping.containerPort == 0 || mapping.hostPort == 0) return invalid("portMappings", "lacks a port");
  return mapping;
}

Outcome<std::vector<PortMapping>> parseMappings(const Json& pod) {
  std::vector<PortMapping> mappings;
  auto list = pod.find("portMappings");
  if (list == pod.end() || !list->is_array()) return invalid("portMappings", "is not a list");
  for (const Json& entry : *list) {
    auto mapping = parseMapping(entry);
    if (!mapping) return tl::unexpected(mapping.error());
    mappings.push_back(std::move(*mapping));
  }
  return mappings;
}

}  // namespace

std::string serialise(const OwedRecord& record) {
  Json mappings = Json::array();
  for (const PortMapping& mapping : record.pod.portMappings) mappings.push_back(toJson(mapping));
  Json pod{{"id", record.pod.id.text()},
           {"name", record.pod.name},
           {"namespace", record.pod.nameSpace},
           {"uid", record.pod.uid},
           {"portMappings", std::move(mappings)}};
  Json document{{"format", format},
                {"detaching", record.detaching},
                {"pod", std::move(pod)},
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
  auto id = PodId::parse(stringAt(*pod, "id"), "pod.id");
  if (!id) return tl::unexpected(id.error());
  auto mappings = parseMappings(*pod);
  if (!mappings) return tl::unexpected(mappings.error());
  auto parsed = parseConflist(conflist->dump(), "conflist");
  if (!parsed) return tl::unexpected(parsed.error());
  PodNetwork network{*id, stringAt(*pod, "name"), stringAt(*pod, "namespace"), stringAt(*pod, "uid"),
                     std::move(*mappings)};
  return OwedRecord{std::move(network), std::move(*parsed), document->value("detaching", Json()) == true};
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
