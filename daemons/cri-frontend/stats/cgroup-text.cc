#include "daemons/cri-frontend/stats/cgroup-text.h"

#include <algorithm>
#include <charconv>

namespace bulkhead::cri {
namespace {

template <typename Use>
void eachLine(std::string_view text, Use use) {
  while (!text.empty()) {
    size_t end = text.find('\n');
    use(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
}

// The value of a word "NAME=VALUE"; empty if that is not its name.
std::string_view valueOf(std::string_view word, std::string_view name) {
  bool named = word.size() > name.size() && word.starts_with(name) && word[name.size()] == '=';
  return named ? word.substr(name.size() + 1) : std::string_view();
}

double parseAverage(std::string_view text) {
  double value = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = result.ec == std::errc() && result.ptr == text.data() + text.size();
  return whole && value >= 0 && value <= 100 ? value : 0;
}

Pressure::Line parsePressureLine(const std::vector<std::string_view>& words) {
  Pressure::Line line;
  for (std::string_view word : words) {
    if (auto value = valueOf(word, "avg10"); !value.empty()) line.average10 = parseAverage(value);
    if (auto value = valueOf(word, "avg60"); !value.empty()) line.average60 = parseAverage(value);
    if (auto value = valueOf(word, "avg300"); !value.empty()) line.average300 = parseAverage(value);
    if (auto value = valueOf(word, "total"); !value.empty()) line.total = parseCount(value).value_or(0);
  }
  return line;
}

// "8:0"; null if it is something else ("Total").
DeviceReading* deviceOf(std::string_view name, Devices& devices) {
  size_t colon = name.find(':');
  if (colon == name.npos) return nullptr;
  auto major = parseCount(name.substr(0, colon));
  auto minor = parseCount(name.substr(colon + 1));
  if (!major || !minor) return nullptr;
  DeviceReading& device = devices[{*major, *minor}];
  device.major = *major;
  device.minor = *minor;
  return &device;
}

}  // namespace

std::vector<std::string_view> wordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    size_t end = line.find_first_of(" \t\n");
    if (end != 0) words.push_back(line.substr(0, end));
    line.remove_prefix(end == line.npos ? line.size() : end + 1);
  }
  return words;
}

std::optional<uint64_t> parseCount(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  uint64_t value = 0;
  auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size())
    return std::nullopt;
  return value;
}

KeyedCounts parseKeyed(std::string_view text) {
  KeyedCounts counts;
  eachLine(text, [&counts](std::string_view line) {
    auto words = wordsOf(line);
    auto value = words.size() == 2 ? parseCount(words[1]) : std::nullopt;
    if (value) counts.insert_or_assign(std::string(words[0]), *value);
  });
  return counts;
}

uint64_t countOf(const KeyedCounts& counts, std::string_view key) {
  auto found = counts.find(key);
  return found == counts.end() ? 0 : found->second;
}

std::optional<Pressure> parsePressure(std::string_view text) {
  Pressure pressure;
  bool found = false;
  eachLine(text, [&pressure, &found](std::string_view line) {
    auto words = wordsOf(line);
    if (words.empty() || (words[0] != "some" && words[0] != "full")) return;
    (words[0] == "some" ? pressure.some : pressure.full) = parsePressureLine(words);
    found = true;
  });
  return found ? std::optional(pressure) : std::nullopt;
}

void parseIoStat(std::string_view text, Devices& devices) {
  eachLine(text, [&devices](std::string_view line) {
    auto words = wordsOf(line);
    DeviceReading* device = words.size() > 1 ? deviceOf(words[0], devices) : nullptr;
    if (device == nullptr) return;
    for (std::string_view word : words) {
      if (auto value = valueOf(word, "rbytes"); !value.empty())
        device->readBytes = parseCount(value).value_or(0);
      if (auto value = valueOf(word, "wbytes"); !value.empty())
        device->writtenBytes = parseCount(value).value_or(0);
      if (auto value = valueOf(word, "rios"); !value.empty()) device->reads = parseCount(value).value_or(0);
      if (auto value = valueOf(word, "wios"); !value.empty()) device->writes = parseCount(value).value_or(0);
    }
  });
}

void parseBlkio(std::string_view text, uint64_t DeviceReading::*read, uint64_t DeviceReading::*write,
                Devices& devices) {
  eachLine(text, [&](std::string_view line) {
    auto words = wordsOf(line);
    auto value = words.size() == 3 ? parseCount(words[2]) : std::nullopt;
    if (!value || (words[1] != "Read" && words[1] != "Write")) return;
    if (DeviceReading* device = deviceOf(words[0], devices))
      device->*(words[1] == "Read" ? read : write) = *value;
  });
}

size_t countLines(std::string_view text) {
  return static_cast<size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace bulkhead::cri
