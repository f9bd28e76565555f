// RecordStore: pods and containers on disk, each a serialised protobuf in one row of cri.sqlite. Every write
// is committed when the call returns.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace bulkhead::cri {

class RecordStore {
 public:
  enum class Kind { pod = 1, container = 2 };

  // Opens or makes `directory`/cri.sqlite. Throws std::runtime_error if it cannot be used or was written by a
  // newer version.
  explicit RecordStore(const std::string& directory);
  ~RecordStore();
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;

  // Inserts or replaces. Throws std::runtime_error (disk full, I/O error).
  void put(Kind kind, const std::string& id, std::string_view bytes);
  // Absent is fine.
  void erase(Kind kind, const std::string& id);
  // All of a kind, in no order.
  std::vector<std::string> load(Kind kind);

 private:
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

  void execute(const char* sql);
  Statement prepare(const char* sql);
  void run(sqlite3_stmt* statement);
  [[noreturn]] void fail(const char* what);

  std::unique_ptr<sqlite3, Closer> database_;
  Statement put_;
  Statement erase_;
};

}  // namespace bulkhead::cri
