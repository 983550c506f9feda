// A connection to PostgreSQL: what of libpq is used, with errors as values. Non-blocking below, so that each step ends at its deadline
// or when somebody stops it, whatever the server does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/wait.h"

struct pg_conn;
struct pg_result;

namespace audit::postgresql {

// Over TCP the connection is encrypted, and the server's certificate must be for `host` and of an authority in `ca`: there is nothing
// weaker. A `host` that begins with '/' is a folder with a Unix socket in it.
struct Server {
  std::string host;
  int port = 5432;
  std::string database, user;
  std::string password_file;     // read at each connection; "": no password
  std::string ca;                // a file in PEM; over a socket ""
  std::string certificate, key;  // files of a client certificate; "": none
};

// Numeric addresses of a name, as http::Resolver does it: libpq's own look-up has no deadline.
using Resolve = std::function<base::Result<std::vector<std::string>>(const std::string& host, const base::Until& until)>;

// An error, and the server's SQLSTATE; "" when it is not the server that says it. A message has no value of any row in it.
struct Failure : base::Error {
  std::string state;
};

template <class T>
using Outcome = tl::expected<T, Failure>;

// What a statement brought, as texts.
class Rows {
 public:
  explicit Rows(pg_result* result) : result_(result) {}

  int size() const;
  std::string_view Text(int row, int column) const;  // "" where it is NULL; as long as the Rows
  std::int64_t Int(int row, int column) const;       // 0 where it is none
  bool IsNull(int row, int column) const;

 private:
  struct Free {
    void operator()(pg_result* result) const;
  };
  std::unique_ptr<pg_result, Free> result_;
};

using Parameter = std::optional<std::string>;  // none: NULL. PostgreSQL's texts hold no NUL bytes: see Storable

// For one thread at a time.
class Connection {
 public:
  static Outcome<Connection> Open(const Server& server, const Resolve& resolve, const base::Until& until);

  // One statement; $1 is the first parameter. After a failure without SQLSTATE, and one that ended the session, the connection is of no
  // use any more.
  Outcome<Rows> Query(const std::string& sql, std::span<const Parameter> parameters, const base::Until& until);
  Outcome<Rows> Query(const std::string& sql, const base::Until& until) { return Query(sql, {}, until); }

  // Several statements in one message, which are one transaction unless they say otherwise; the rows of the last that has any.
  Outcome<Rows> Execute(const std::string& script, const base::Until& until);

  // Whether the server and the last statement left it in a state for another one outside a transaction.
  bool Idle() const;
  // False when it is known to be lost.
  bool Lives() const;

 private:
  struct Close {
    void operator()(pg_conn* connection) const;
  };

  Connection(pg_conn* connection, std::string name) : connection_(connection), name_(std::move(name)) {}

  static Outcome<Connection> OpenOne(const Server& server, const std::string& address, const std::string& password,
                                     const base::Until& until);
  Outcome<Rows> Finish(bool sent, const base::Until& until);
  Outcome<void> Flush(const base::Until& until);
  Outcome<void> AwaitResult(const base::Until& until);
  Failure Broken(std::string_view what) const;

  std::unique_ptr<pg_conn, Close> connection_;
  std::string name_;  // for messages: "PostgreSQL at HOST:PORT"
};

// "PostgreSQL at HOST:PORT", for messages.
std::string Describe(const Server& server);

// The text with U+FFFD for the NUL bytes that a text of PostgreSQL's cannot hold.
std::string Storable(std::string_view text);

// The literal of an array of texts.
std::string ArrayLiteral(std::span<const std::string> texts);

}  // namespace audit::postgresql
