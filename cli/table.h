// Aligned columns for people, and the texts in them. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace bulkhead::cli {

class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}

  // Missing cells are empty. Control bytes are shown as \xNN: names come from strangers, and the terminal
  // obeys them.
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  // Columns padded to their widest cell, two blanks apart, no trailing blanks; one line per row.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// "1.4 MiB", "312 B".
std::string bytesText(std::uint64_t bytes);

// "5s", "3m", "2h", "4d" between two times in nanoseconds since the epoch; "-" if `since` is 0.
std::string ageText(std::int64_t since, std::int64_t now);

// Nanoseconds since the epoch.
std::int64_t nowNanoseconds();

// The first 13 characters of an id, without "sha256:".
std::string shortId(const std::string& id);

}  // namespace bulkhead::cli
