#include "audit/sqlite.h"

#include <sqlite3.h>

#include <utility>

namespace audit::sqlite {
namespace {

constexpr int kPrimaryMask = 0xff;  // an extended result code's low byte is its primary one

std::string_view RemedyFor(int code) {
  switch (code & kPrimaryMask) {
    case SQLITE_FULL:
      return "free space on its file system, or lower audit.retention.size";
    case SQLITE_IOERR:
      return "check its file system: full, over a quota, or failing";
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return "check that the file and its folder may be written by this user: readers, too, share the -shm file beside it";
    case SQLITE_READONLY:
      return "make the file and its folder writable, or copy the database (with its -wal file) to where they are";
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return "another program holds a lock on it";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "`sqlite3 FILE .dump` prints what can be read of it; serve begins a new one at its next start";
    default:
      return {};
  }
}

}  // namespace

bool Failure::Damaged() const { return (code & kPrimaryMask) == SQLITE_CORRUPT || (code & kPrimaryMask) == SQLITE_NOTADB; }

Failure::operator base::Error() const {
  const bool ours = (code & kPrimaryMask) == SQLITE_ERROR || (code & kPrimaryMask) == SQLITE_MISUSE;
  return {ours ? base::ErrorCode::kInternal : base::ErrorCode::kUnavailable, message, std::string(RemedyFor(code))};
}

Failure LastFailure(sqlite3* handle) {
  const int code = sqlite3_extended_errcode(handle);
  const char* path = sqlite3_db_filename(handle, "main");
  return {code, "audit database " + std::string(path != nullptr ? path : "") + ": " + sqlite3_errmsg(handle) + " (SQLite code " +
                    std::to_string(code) + ")"};
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Statement& Statement::Bind(int parameter, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_.get(), parameter, value);
  bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
  return *this;
}

Statement& Statement::Bind(int parameter, std::string_view text) {
  const char* data = text.empty() ? "" : text.data();  // a null pointer would bind NULL
  const int code = sqlite3_bind_text64(statement_.get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
  return *this;
}

Statement& Statement::BindBlob(int parameter, std::string_view bytes) {
  const int code = sqlite3_bind_blob64(statement_.get(), parameter, bytes.data(), bytes.size(), SQLITE_STATIC);
  bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
  return *this;
}

Statement& Statement::BindNull(int parameter) {
  const int code = sqlite3_bind_null(statement_.get(), parameter);
  bind_code_ = bind_code_ == SQLITE_OK ? code : bind_code_;
  return *this;
}

Outcome<bool> Statement::Step() {
  const int code = bind_code_ == SQLITE_OK ? sqlite3_step(statement_.get()) : bind_code_;
  if (code == SQLITE_ROW) {
    return true;
  }
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  Failure failure = LastFailure(sqlite3_db_handle(statement_.get()));
  Reset();
  return tl::unexpected(std::move(failure));
}

Outcome<std::int64_t> Statement::QueryInt() {
  const Outcome<bool> row = Step();
  if (!row) {
    return tl::unexpected(row.error());
  }
  const std::int64_t value = *row ? Int(0) : 0;
  Reset();
  return value;
}

Outcome<void> Statement::Run() {
  const Outcome<bool> stepped = Step();
  if (!stepped) {
    return tl::unexpected(stepped.error());
  }
  Reset();
  return {};
}

void Statement::Reset() {
  bind_code_ = SQLITE_OK;
  sqlite3_reset(statement_.get());  // repeats the failure that Step has reported already
}

std::int64_t Statement::Int(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string_view Statement::Text(int column) const {
  const auto* text = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  return text == nullptr ? std::string_view()
                         : std::string_view(text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

bool Statement::IsNull(int column) const { return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL; }

Outcome<Connection> Connection::Open(const std::string& path, Mode mode, std::chrono::milliseconds busy_wait) {
  sqlite3* handle = nullptr;
  const int access = mode == Mode::kReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
  const int code = sqlite3_open_v2(path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  Connection connection;
  connection.handle_.reset(handle);
  if (code != SQLITE_OK) {
    return tl::unexpected(Failure{code, "audit database " + path + ": " + sqlite3_errstr(code)});
  }
  sqlite3_busy_timeout(handle, static_cast<int>(busy_wait.count()));
  return connection;
}

Outcome<void> Connection::Execute(const char* sql) {
  if (sqlite3_exec(handle(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return tl::unexpected(LastFailure(handle()));
  }
  return {};
}

Outcome<Statement> Connection::Prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle(), sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return tl::unexpected(LastFailure(handle()));
  }
  return Statement(statement);
}

Outcome<std::int64_t> Connection::QueryInt(std::string_view sql) {
  Outcome<Statement> statement = Prepare(sql);
  return statement ? statement->QueryInt() : tl::unexpected(statement.error());
}

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }

}  // namespace audit::sqlite
