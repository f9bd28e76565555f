// SQLite with owners: a connection, prepared statements, a transaction that rolls back unless committed.
// Nothing here knows what is stored. One connection is used from one thread at a time.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bulkhead::storaged {

// Text of SQLite's own error; never crosses a process.
class DatabaseError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Database {
 public:
  // Opens or creates the file. Throws DatabaseError.
  explicit Database(const std::string& path);

  // Runs statements that answer no rows.
  void execute(const char* sql);
  [[nodiscard]] sqlite3* raw() const { return connection_.get(); }

 private:
  struct Closer {
    void operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }
  };
  std::unique_ptr<sqlite3, Closer> connection_;
};

// One prepared statement, run once: bind in order of the question marks, then step() through the rows.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t number);
  Statement& bindBlob(std::string_view bytes);

  // True while there is a row. Throws DatabaseError.
  bool step();
  // For statements without rows.
  void run();

  // Columns of the present row, counted from 0.
  [[nodiscard]] std::string text(int column) const;
  [[nodiscard]] std::int64_t number(int column) const;
  [[nodiscard]] std::string blob(int column) const;

 private:
  [[noreturn]] void fail(const char* what) const;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  sqlite3* connection_;
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
  int bound_ = 0;
};

class Transaction {
 public:
  // BEGIN IMMEDIATE: the write lock is taken before the first read.
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace bulkhead::storaged
