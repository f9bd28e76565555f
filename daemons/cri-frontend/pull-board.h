// PullBoard: the pulls running now, for people who ask. Decides nothing.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace bulkhead::cri {

class PullBoard {
 public:
  struct Entry {
    std::string reference;  // as the caller gave it
    std::string fullName;   // as storaged calls it; until it is found, as the caller gave it
    int64_t startedAt = 0;  // nanoseconds since the epoch
    std::string stage;      // resolving, fetching, storing
    std::string host;       // with port
  };

  // A line on the board for as long as it lives.
  class Line {
   public:
    Line(PullBoard& board, Entry entry) : board_(board), number_(board.next_++) {
      board_.entries_.emplace(number_, std::move(entry));
    }
    ~Line() { board_.entries_.erase(number_); }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    // The name under which it is there, and its registry.
    void found(std::string name, std::string host) {
      board_.entries_.at(number_).fullName = std::move(name);
      board_.entries_.at(number_).host = std::move(host);
    }
    void stage(std::string stage) { board_.entries_.at(number_).stage = std::move(stage); }

   private:
    PullBoard& board_;
    uint64_t number_;
  };

  [[nodiscard]] std::vector<Entry> entries() const {
    std::vector<Entry> all;
    for (const auto& [number, entry] : entries_) all.push_back(entry);
    return all;
  }

 private:
  std::map<uint64_t, Entry> entries_;
  uint64_t next_ = 0;
};

}  // namespace bulkhead::cri
