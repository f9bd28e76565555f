#include "daemons/cri-frontend/records/record-store.h"

#include <sqlite3.h>

#include <stdexcept>

namespace bulkhead::cri {
namespace {

constexpr int version = 1;

}  // namespace

void RecordStore::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}
void RecordStore::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

RecordStore::RecordStore(const std::string& directory) {
  sqlite3* raw = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  int opened = sqlite3_open_v2((directory + "/cri.sqlite").c_str(), &raw, flags, nullptr);
  database_.reset(raw);
  if (opened != SQLITE_OK) fail("open");

  // One process, so no shared-memory index. synchronous=NORMAL: a power cut may lose the last commits, but
  // then /run is empty too, and what they described is gone; a crash of ours loses nothing.
  execute("PRAGMA locking_mode=EXCLUSIVE");
  execute("PRAGMA journal_mode=WAL");
  execute("PRAGMA synchronous=NORMAL");
  execute(
      "CREATE TABLE IF NOT EXISTS record (kind INTEGER, id TEXT, bytes BLOB NOT NULL, PRIMARY KEY (kind, "
      "id)) "
      "WITHOUT ROWID");

  auto asked = prepare("PRAGMA user_version");
  if (sqlite3_step(asked.get()) != SQLITE_ROW) fail("read the version");
  int found = sqlite3_column_int(asked.get(), 0);
  if (found > version) throw std::runtime_error("cri.sqlite was written by a newer version of Bulkhead");
  asked.reset();
  if (found != version) execute("PRAGMA user_version=1");

  put_ = prepare("INSERT OR REPLACE INTO record (kind, id, bytes) VALUES (?1, ?2, ?3)");
  erase_ = prepare("DELETE FROM record WHERE kind = ?1 AND id = ?2");
}

RecordStore::~RecordStore() = default;

void RecordStore::put(Kind kind, const std::string& id, std::string_view bytes) {
  sqlite3_bind_int(put_.get(), 1, static_cast<int>(kind));
  sqlite3_bind_text(put_.get(), 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
  sqlite3_bind_blob64(put_.get(), 3, bytes.data(), bytes.size(), SQLITE_STATIC);
  run(put_.get());
}

void RecordStore::erase(Kind kind, const std::string& id) {
  sqlite3_bind_int(erase_.get(), 1, static_cast<int>(kind));
  sqlite3_bind_text(erase_.get(), 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
  run(erase_.get());
}

std::vector<std::string> RecordStore::load(Kind kind) {
  auto statement = prepare("SELECT bytes FROM record WHERE kind = ?1");
  sqlite3_bind_int(statement.get(), 1, static_cast<int>(kind));
  std::vector<std::string> all;
  int step = 0;
  while ((step = sqlite3_step(statement.get())) == SQLITE_ROW) {
    const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement.get(), 0));
    all.emplace_back(bytes, static_cast<size_t>(sqlite3_column_bytes(statement.get(), 0)));
  }
  if (step != SQLITE_DONE) fail("read records");
  return all;
}

void RecordStore::execute(const char* sql) {
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(sql);
}

RecordStore::Statement RecordStore::prepare(const char* sql) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql, -1, &raw, nullptr) != SQLITE_OK) fail(sql);
  return Statement(raw);
}

void RecordStore::run(sqlite3_stmt* statement) {
  int step = sqlite3_step(statement);
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  if (step != SQLITE_DONE) fail("write a record");
}

void RecordStore::fail(const char* what) {
  throw std::runtime_error(std::string("cri.sqlite: cannot ") + what + ": " +
                           sqlite3_errmsg(database_.get()));
}

}  // namespace bulkhead::cri
