#include "audit/postgresql.h"

#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <tuple>
#include <utility>

#include "base/secret_file.h"
#include "base/text.h"

namespace audit::postgresql {
namespace {

constexpr std::size_t kMaxMessage = 300;

// Where libpq would look into the home directory for a file that was not configured, it is given one that cannot be there.
constexpr const char* kNoFile = "/dev/null/none";

// What the kernel says of a peer that is silent; our own deadlines are shorter, and this ends what they leave behind.
constexpr const char* kTcpUserTimeout = "30000";  // ms

// Of libpq's text, which has several lines, what a log line can hold.
std::string OneLine(std::string_view text) {
  std::string line(text.substr(0, 2 * kMaxMessage));
  while (!line.empty() && line.back() == '\n') {
    line.pop_back();
  }
  std::replace(line.begin(), line.end(), '\n', ' ');
  return base::Printable(line, kMaxMessage);
}

bool IsSocketFolder(const std::string& host) { return host.starts_with('/'); }

bool IsLocal(int fd) {
  sockaddr address{};
  socklen_t size = sizeof(address);
  return getsockname(fd, &address, &size) == 0 && address.sa_family == AF_UNIX;
}

// What the server refuses for its meaning stays refused; all else may be over the next time. Class 42: there is no such thing, or no
// right to it.
base::ErrorCode CodeOf(std::string_view state) {
  return state.starts_with("42") || state.starts_with("3F") ? base::ErrorCode::kInvalidArgument : base::ErrorCode::kUnavailable;
}

Failure FailureOf(base::Error error) { return Failure{std::move(error), {}}; }

}  // namespace

std::string Describe(const Server& server) { return "PostgreSQL at " + server.host + ":" + std::to_string(server.port); }

std::string Storable(std::string_view text) {
  std::string storable;
  storable.reserve(text.size());
  for (const char c : text) {
    c == '\0' ? storable.append("\uFFFD") : storable.append(1, c);
  }
  return storable;
}

std::string ArrayLiteral(std::span<const std::string> texts) {
  std::string literal = "{";
  for (const std::string& text : texts) {
    literal += literal.size() > 1 ? ",\"" : "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') {
        literal += '\\';
      }
      literal += c;
    }
    literal += '"';
  }
  return literal + "}";
}

void Rows::Free::operator()(pg_result* result) const { PQclear(result); }

int Rows::size() const { return PQntuples(result_.get()); }

std::string_view Rows::Text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Rows::Int(int row, int column) const {
  const std::string_view text = Text(row, column);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool Rows::IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) == 1; }

void Connection::Close::operator()(pg_conn* connection) const { PQfinish(connection); }

Outcome<Connection> Connection::Open(const Server& server, const Resolve& resolve, const base::Until& until) {
  std::string password;
  if (!server.password_file.empty()) {
    auto read = base::ReadSecretFile(server.password_file);
    if (!read) {
      return tl::unexpected(FailureOf(std::move(read.error())));
    }
    password = *std::move(read);
  }
  if (IsSocketFolder(server.host)) {
    return OpenOne(server, {}, password, until);
  }
  auto addresses = resolve(server.host, until);
  if (!addresses) {
    return tl::unexpected(FailureOf(std::move(addresses.error())));
  }
  // Each address gets its share of the time: one that is silent must not keep the others from being tried.
  Outcome<Connection> connection = tl::unexpected(FailureOf({base::ErrorCode::kUnavailable, Describe(server) + ": has no address", {}}));
  for (std::size_t i = 0; i < addresses->size() && !until.stop->IsSet(); ++i) {
    const auto now = std::chrono::steady_clock::now();
    const base::Until share{now + (until.deadline - now) / (addresses->size() - i), until.stop};
    connection = OpenOne(server, (*addresses)[i], password, share);
    if (connection) {
      break;
    }
  }
  return connection;
}

Outcome<Connection> Connection::OpenOne(const Server& server, const std::string& address, const std::string& password,
                                        const base::Until& until) {
  const bool socket = IsSocketFolder(server.host);
  const std::string port = std::to_string(server.port);
  // What is not set here may come from PG… variables: nothing of it makes the connection weaker.
  const std::array<std::pair<const char*, const char*>, 22> settings = {{
      {"host", server.host.c_str()},
      {"hostaddr", address.c_str()},
      {"port", port.c_str()},
      {"dbname", server.database.c_str()},
      {"user", server.user.c_str()},
      {"password", password.c_str()},
      {"passfile", kNoFile},
      {"sslmode", socket ? "disable" : "verify-full"},
      {"sslrootcert", socket ? "" : server.ca.c_str()},
      {"sslcert", server.certificate.empty() ? kNoFile : server.certificate.c_str()},
      {"sslkey", server.key.empty() ? kNoFile : server.key.c_str()},
      {"ssl_min_protocol_version", "TLSv1.2"},
      {"channel_binding", "prefer"},  // where the login is SCRAM and the connection has TLS
      {"gssencmode", "disable"},
      {"client_encoding", "UTF8"},
      {"options", ""},
      {"target_session_attrs", "any"},
      {"application_name", "acr-admission"},
      {"keepalives_idle", "15"},
      {"keepalives_interval", "5"},
      {"keepalives_count", "3"},
      {"tcp_user_timeout", kTcpUserTimeout},
  }};
  std::array<const char*, settings.size() + 1> keys{};
  std::array<const char*, settings.size() + 1> values{};
  for (std::size_t i = 0; i < settings.size(); ++i) {
    std::tie(keys.at(i), values.at(i)) = settings.at(i);
  }
  Connection connection(PQconnectStartParams(keys.data(), values.data(), 0), Describe(server));
  pg_conn* const raw = connection.connection_.get();
  if (raw == nullptr) {
    return tl::unexpected(FailureOf({base::ErrorCode::kUnavailable, connection.name_ + ": no memory is left", {}}));
  }
  if (PQstatus(raw) == CONNECTION_BAD) {
    return tl::unexpected(connection.Broken("cannot connect"));
  }
  if (socket && !IsLocal(PQsocket(raw))) {  // PGHOSTADDR is set, and there is no TLS
    return tl::unexpected(FailureOf({base::ErrorCode::kInvalidArgument, connection.name_ + ": is no Unix socket", "unset PGHOSTADDR"}));
  }
  for (PostgresPollingStatusType step = PGRES_POLLING_WRITING; step != PGRES_POLLING_OK; step = PQconnectPoll(raw)) {
    if (step == PGRES_POLLING_FAILED) {
      return tl::unexpected(connection.Broken("cannot connect"));
    }
    const short events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (auto waited = base::WaitFor(PQsocket(raw), events, until, connection.name_ + ": connecting"); !waited) {
      return tl::unexpected(FailureOf(std::move(waited.error())));
    }
  }
  if (PQsetnonblocking(raw, 1) != 0) {
    return tl::unexpected(connection.Broken("cannot connect"));
  }
  // Notices are for people at a terminal.
  PQsetNoticeReceiver(raw, [](void*, const PGresult*) {}, nullptr);
  return connection;
}

Failure Connection::Broken(std::string_view what) const {
  return FailureOf(
      {base::ErrorCode::kUnavailable, name_ + ": " + std::string(what) + ": " + OneLine(PQerrorMessage(connection_.get())), {}});
}

Outcome<Rows> Connection::Query(const std::string& sql, std::span<const Parameter> parameters, const base::Until& until) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter ? parameter->c_str() : nullptr);
  }
  const int sent =
      PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr, nullptr, 0);
  return Finish(sent == 1, until);
}

Outcome<Rows> Connection::Execute(const std::string& script, const base::Until& until) {
  return Finish(PQsendQuery(connection_.get(), script.c_str()) == 1, until);
}

bool Connection::Idle() const {
  return PQstatus(connection_.get()) == CONNECTION_OK && PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

bool Connection::Lives() const { return PQstatus(connection_.get()) == CONNECTION_OK; }

Outcome<Rows> Connection::Finish(bool sent, const base::Until& until) {
  if (!sent) {
    return tl::unexpected(Broken("cannot send"));
  }
  if (auto flushed = Flush(until); !flushed) {
    return tl::unexpected(std::move(flushed.error()));
  }
  std::optional<Rows> rows;
  std::optional<Failure> failure;
  while (true) {
    if (auto awaited = AwaitResult(until); !awaited) {
      return tl::unexpected(std::move(awaited.error()));
    }
    pg_result* const result = PQgetResult(connection_.get());
    if (result == nullptr) {
      break;
    }
    Rows owned(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || (status == PGRES_COMMAND_OK && !rows)) {
      rows = std::move(owned);
    } else if (status != PGRES_COMMAND_OK && !failure) {
      const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
      const char* const message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
      const std::string code = state == nullptr ? "" : state;
      // The primary message alone: details hold values of rows.
      failure = Failure{{CodeOf(code), name_ + ": " + OneLine(message == nullptr ? PQerrorMessage(connection_.get()) : message), {}}, code};
    }
  }
  if (failure) {
    return tl::unexpected(*std::move(failure));
  }
  if (!rows) {
    return tl::unexpected(Broken("no answer"));
  }
  return *std::move(rows);
}

// A server that sends while we do would wait for us to read, and we for it: both are looked at.
Outcome<void> Connection::Flush(const base::Until& until) {
  pg_conn* const raw = connection_.get();
  while (true) {
    const int left = PQflush(raw);
    if (left == 0) {
      return {};
    }
    if (left < 0) {
      return tl::unexpected(Broken("sending"));
    }
    if (auto waited = base::WaitFor(PQsocket(raw), POLLOUT | POLLIN, until, name_ + ": sending"); !waited) {
      return tl::unexpected(FailureOf(std::move(waited.error())));
    }
    if (PQconsumeInput(raw) == 0) {
      return tl::unexpected(Broken("sending"));
    }
  }
}

Outcome<void> Connection::AwaitResult(const base::Until& until) {
  pg_conn* const raw = connection_.get();
  while (PQisBusy(raw) == 1) {
    if (auto waited = base::WaitFor(PQsocket(raw), POLLIN, until, name_ + ": waiting for its answer"); !waited) {
      return tl::unexpected(FailureOf(std::move(waited.error())));
    }
    if (PQconsumeInput(raw) == 0) {
      return tl::unexpected(Broken("reading its answer"));
    }
  }
  return {};
}

}  // namespace audit::postgresql
