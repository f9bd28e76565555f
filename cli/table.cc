#include "cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "daemons/common/base/log.h"

namespace bulkhead::cli {
namespace {

constexpr size_t maxCell = 200;

// Columns of a UTF-8 text, counting every code point as one.
size_t widthOf(const std::string& text) {
  return static_cast<size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string lineOf(const std::vector<std::string>& cells, const std::vector<size_t>& widths) {
  std::string line;
  for (size_t i = 0; i < cells.size(); ++i) {
    line += cells[i] + std::string(widths[i] - widthOf(cells[i]) + 2, ' ');
  }
  line.resize(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

}  // namespace

std::string Table::text() const {
  std::vector<std::vector<std::string>> rows = rows_;
  std::vector<size_t> widths;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = log::printable(row[i], maxCell);
      widths[i] = std::max(widths[i], widthOf(row[i]));
    }
  }
  std::string all;
  for (const auto& row : rows) all += lineOf(row, widths);
  return all;
}

std::string bytesText(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> units = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (amount >= 1024 && unit + 1 < units.size()) {
    amount /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f %s", amount, units[unit]);
  return text.data();
}

std::string ageText(std::int64_t since, std::int64_t now) {
  if (since == 0) return "-";
  std::int64_t seconds = std::max<std::int64_t>((now - since) / 1'000'000'000, 0);
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 120 * 60) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

std::int64_t nowNanoseconds() {
  auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::string shortId(const std::string& id) {
  constexpr std::string_view prefix = "sha256:";
  return id.starts_with(prefix) ? id.substr(prefix.size(), 13) : id.substr(0, 13);
}

}  // namespace bulkhead::cli
