#include "daemons/storaged/sqlite.h"

namespace bulkhead::storaged {
namespace {

[[noreturn]] void throwDatabase(sqlite3* connection, const char* what) {
  throw DatabaseError(std::string(what) + ": " +
                      (connection != nullptr ? sqlite3_errmsg(connection) : "no memory"));
}

}  // namespace

Database::Database(const std::string& path) {
  sqlite3* connection = nullptr;
  constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW;
  int status = sqlite3_open_v2(path.c_str(), &connection, flags, nullptr);
  connection_.reset(connection);
  if (status != SQLITE_OK) throwDatabase(connection, "open the index");
  constexpr int patienceMs = 5000;  // somebody may be looking with the sqlite3 shell
  sqlite3_busy_timeout(connection, patienceMs);
  // Nothing in the file may run code or reach beyond it (sqlite.org/security.html).
  sqlite3_db_config(connection, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(connection, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
}

void Database::execute(const char* sql) {
  if (sqlite3_exec(raw(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) throwDatabase(raw(), "index");
}

Statement::Statement(const Database& database, std::string_view sql) : connection_(database.raw()) {
  sqlite3_stmt* statement = nullptr;
  int status = sqlite3_prepare_v2(connection_, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
  if (status != SQLITE_OK) fail("prepare");
}

void Statement::fail(const char* what) const {
  throwDatabase(connection_, what);
}

Statement& Statement::bind(std::string_view text) {
  int size = static_cast<int>(text.size());
  if (sqlite3_bind_text(statement_.get(), ++bound_, text.data(), size, SQLITE_TRANSIENT) != SQLITE_OK)
    fail("bind");
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  if (sqlite3_bind_int64(statement_.get(), ++bound_, number) != SQLITE_OK) fail("bind");
  return *this;
}

Statement& Statement::bindBlob(std::string_view bytes) {
  int size = static_cast<int>(bytes.size());
  if (sqlite3_bind_blob(statement_.get(), ++bound_, bytes.data(), size, SQLITE_TRANSIENT) != SQLITE_OK)
    fail("bind");
  return *this;
}

bool Statement::step() {
  int status = sqlite3_step(statement_.get());
  if (status != SQLITE_ROW && status != SQLITE_DONE) fail("step");
  return status == SQLITE_ROW;
}

void Statement::run() {
  while (step()) {
  }
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(statement_.get(), column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(bytes), size);
}

std::int64_t Statement::number(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Statement::blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) (void)sqlite3_exec(database_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace bulkhead::storaged
