#include "audit/forwarder.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "audit/forwarded_row.h"
#include "audit/postgresql_schema.h"
#include "base/time.h"

namespace audit {
namespace {

using postgresql::Failure;
using postgresql::Outcome;

// On our side rows are gone when the cursor has passed them; on the server's a statement may still be running when we have given up. It
// must not for long: others wait for its locks.
constexpr const char* kLimits = "SET LOCAL statement_timeout = '25s'; SET LOCAL idle_in_transaction_session_timeout = '10s'";

constexpr std::size_t kMaxKnownPartitions = 1000;

base::Until Within(const base::Until& until, std::chrono::steady_clock::duration time) {
  return {std::min(until.deadline, std::chrono::steady_clock::now() + time), until.stop};
}

// Class 22, data exceptions, and 23, violated constraints: what is sent again is refused again.
bool IsRefusalOfRows(const Failure& failure) { return failure.state.starts_with("22") || failure.state.starts_with("23"); }

std::string DayText(std::chrono::sys_days day) { return base::FormatTime(base::Time(day)).substr(0, 10); }

// "($1,$2,…),(…)"
std::string Places(std::size_t rows) {
  std::string places;
  std::size_t number = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    places += row == 0 ? "(" : ",(";
    for (std::size_t column = 0; column < kForwardedColumnCount; ++column) {
      places += (column == 0 ? "$" : ",$") + std::to_string(++number);
    }
    places += ')';
  }
  return places;
}

}  // namespace

Forwarder::Forwarder(Store& store, postgresql::Server server, postgresql::Resolve resolve, const base::Clock& clock)
    : store_(store), server_(std::move(server)), resolve_(std::move(resolve)), clock_(clock) {}

base::Result<void> Forwarder::Connect(const base::Until& until) {
  auto connection = postgresql::Connection::Open(server_, resolve_, Within(until, kConnectTime));
  if (!connection) {
    return tl::unexpected<base::Error>(connection.error());
  }
  const auto version = postgresql::ReadSchemaVersion(*connection, Within(until, kConnectTime));
  if (!version) {
    return tl::unexpected<base::Error>(version.error());
  }
  if (auto refusal = postgresql::RefusalOf(*version, Describe(server_))) {
    return tl::unexpected(*std::move(refusal));
  }
  connection_ = *std::move(connection);
  partitions_.clear();  // it may be another database by now
  return {};
}

base::Result<Forwarder::Sent> Forwarder::Pump(const base::Until& until) {
  if (!cursor_) {
    const auto cursor = store_.LoadCursor(kConsumer);
    if (!cursor) {
      return tl::unexpected(cursor.error());
    }
    cursor_ = *cursor;
  }
  const auto rows = store_.ReadRows(*cursor_, batch_rows_, kBatchBytes);
  if (!rows) {
    return tl::unexpected(rows.error());
  }
  // Also while there is nothing to send, so that it is known whether there is a server. What is at hand may be of a server that has been
  // away since: a new connection is tried before that is called a failure.
  bool reused = connection_.has_value();
  std::optional<Failure> failure;
  for (bool again = true; again; reused = false) {
    if (!connection_) {
      if (auto connected = Connect(until); !connected) {
        return tl::unexpected(std::move(connected.error()));
      }
    }
    failure.reset();
    if (!rows->rows.empty()) {
      if (auto inserted = Insert(*rows, Within(until, kBatchTime)); !inserted) {
        failure = std::move(inserted.error());
      }
    }
    if (!failure) {
      Upkeep(until);
    } else if (!connection_->Idle()) {
      connection_.reset();
    }
    again = failure && !connection_ && reused && !until.stop->IsSet();
  }
  Sent sent;
  if (failure && !IsRefusalOfRows(*failure)) {
    connection_.reset();  // what it says may come from a schema that is not what it was
    return tl::unexpected<base::Error>(*failure);
  }
  if (failure && rows->rows.size() > 1) {
    batch_rows_ = 1;
    sent.more = true;
    return sent;
  }
  if (failure) {
    sent.refused = 1;
    sent.refusal = failure->ToString();
  } else {
    sent.rows = rows->rows.size();
  }
  if (!rows->rows.empty()) {
    const std::int64_t last = rows->rows.back().sequence;
    if (auto saved = store_.SaveCursor(kConsumer, last); !saved) {
      return tl::unexpected(std::move(saved.error()));
    }
    cursor_ = last;
    sent.more = true;
    batch_rows_ = std::min(2 * batch_rows_, kBatchRows);
  }
  return sent;
}

Outcome<void> Forwarder::Insert(const Store::Rows& rows, const base::Until& until) {
  std::set<Day> days;
  std::vector<postgresql::Parameter> parameters;
  parameters.reserve(rows.rows.size() * kForwardedColumnCount);
  for (const StoredRow& row : rows.rows) {
    days.insert(std::chrono::floor<std::chrono::days>(ForwardedTime(row.time)));
    AppendForwardedRow(rows.log, row, parameters);
  }
  if (auto made = MakePartitions(days, until); !made) {
    if (!connection_->Idle()) {
      return made;
    }
    NoteUpkeep(made.error());  // the default partition takes them
  }
  // Whoever reads in the order of arrival waits for those who are writing: see postgresql_reader.cc.
  auto begun =
      connection_->Execute(std::string("BEGIN; ") + kLimits + "; SELECT " + postgresql::TakeSharedLock(postgresql::Lock::kArrival), until);
  if (begun) {
    begun = connection_->Query(std::string("INSERT INTO acr_admission.decision (") + kForwardedColumns + ") VALUES " +
                                   Places(rows.rows.size()) + " ON CONFLICT DO NOTHING",
                               parameters, until);
    // A COMMIT whose answer is lost may have happened: the rows are sent again, and are there already.
    auto ended = connection_->Execute(begun ? "COMMIT" : "ROLLBACK", until);
    if (begun && !ended) {
      begun = std::move(ended);
    }
  }
  return begun ? Outcome<void>() : tl::unexpected(std::move(begun.error()));
}

Outcome<void> Forwarder::MakePartitions(const std::set<Day>& days, const base::Until& until) {
  for (const Day day : days) {
    if (partitions_.contains(day)) {
      continue;
    }
    if (auto made =
            connection_->Query("SELECT acr_admission.make_partition($1::date)", std::vector<postgresql::Parameter>{DayText(day)}, until);
        !made) {
      return tl::unexpected(std::move(made.error()));
    }
    if (partitions_.size() >= kMaxKnownPartitions) {
      partitions_.clear();
    }
    partitions_.insert(day);
  }
  return {};
}

void Forwarder::Upkeep(const base::Until& until) {
  const auto now = clock_.Monotonic();
  if (now < next_upkeep_) {
    return;
  }
  next_upkeep_ = now + kUpkeepInterval;
  upkeep_problem_.reset();
  const base::Until limit = Within(until, kConnectTime);
  const Day today = std::chrono::floor<std::chrono::days>(ForwardedTime(clock_.Now()));
  if (const auto made = MakePartitions({today, today + std::chrono::days(1)}, limit); !made) {
    NoteUpkeep(made.error());
  } else if (const auto dropped = connection_->Query("SELECT acr_admission.drop_old_partitions()", limit); !dropped) {
    NoteUpkeep(dropped.error());
  }
  if (!connection_->Idle()) {
    connection_.reset();
  }
}

void Forwarder::NoteUpkeep(const Failure& failure) { upkeep_problem_ = failure.ToString(); }

}  // namespace audit
