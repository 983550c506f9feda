// The little of SQLite's C API that this room uses, with ownership and errors as values.
//
// Threads: a Connection and its Statements are used by one thread at a time (SQLITE_OPEN_NOMUTEX); whoever shares one
// guards it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace audit::sqlite {

struct Failure {
  int code = 0;         // SQLite's extended result code
  std::string message;  // with the database's path

  // The file's content is wrong: trying again will not help, a new file will.
  bool Damaged() const;
  operator base::Error() const;  // NOLINT(google-explicit-constructor): so that a Failure can leave the room as an Error
};

template <class T>
using Outcome = tl::expected<T, Failure>;

// A prepared statement, made once and used many times. Parameters count from 1, columns from 0.
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  Statement& Bind(int parameter, std::int64_t value);
  // `text` must live until the statement is done or reset.
  Statement& Bind(int parameter, std::string_view text);
  Statement& BindBlob(int parameter, std::string_view bytes);  // as with texts
  Statement& BindNull(int parameter);

  // True: a row is there to be read. False: done, and the statement is reset; so it is after a failure (also of a Bind).
  Outcome<bool> Step();
  // The first column of the first row, and the statement is reset; 0 when there is none.
  Outcome<std::int64_t> QueryInt();
  // For statements without rows.
  Outcome<void> Run();
  // Ends a statement whose rows were not all read. An open statement holds its snapshot of the database.
  void Reset();

  std::int64_t Int(int column) const;
  std::string_view Text(int column) const;  // a blob's bytes, too; until the next Step or Reset
  bool IsNull(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int bind_code_ = 0;  // of the first Bind that failed since the last Reset
};

class Connection {
 public:
  enum class Mode { kReadWrite, kReadOnly };

  // The file must exist. `busy_wait`: how long a statement waits for another process's lock.
  static Outcome<Connection> Open(const std::string& path, Mode mode, std::chrono::milliseconds busy_wait);

  Connection() = default;  // closed

  // One or more statements that take no parameters; rows are ignored.
  Outcome<void> Execute(const char* sql);
  Outcome<Statement> Prepare(std::string_view sql);
  // Statement::QueryInt of a statement that takes no parameters.
  Outcome<std::int64_t> QueryInt(std::string_view sql);

  sqlite3* handle() const { return handle_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  std::unique_ptr<sqlite3, Close> handle_;
};

// What the handle's last call failed of.
Failure LastFailure(sqlite3* handle);

}  // namespace audit::sqlite
