// The formats of cgroupfs (kernel: admin-guide/cgroup-v1, cgroup-v2.rst "Format"). Everything tolerates lines
// that it does not know and numbers that are none: those are as good as absent.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemons/cri-frontend/stats/cgroup-reading.h"

namespace bulkhead::cri {

// Decimal, a newline behind it or not. Nothing for "max", "-1", words, or what does not fit.
std::optional<uint64_t> parseCount(std::string_view text);

// "KEY VALUE" lines ("flat keyed").
using KeyedCounts = std::map<std::string, uint64_t, std::less<>>;
KeyedCounts parseKeyed(std::string_view text);
// 0 if it has none.
uint64_t countOf(const KeyedCounts& counts, std::string_view key);

// "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and "full …". Nothing if there is no such line.
std::optional<Pressure> parsePressure(std::string_view text);

using Devices = std::map<std::pair<uint64_t, uint64_t>, DeviceReading>;  // by major and minor
// v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 …".
void parseIoStat(std::string_view text, Devices& devices);
// v1: "8:0 Read 1"; `read` and `write` say where the counts go.
void parseBlkio(std::string_view text, uint64_t DeviceReading::*read, uint64_t DeviceReading::*write,
                Devices& devices);

size_t countLines(std::string_view text);
// The words of one line.
std::vector<std::string_view> wordsOf(std::string_view line);

}  // namespace bulkhead::cri
