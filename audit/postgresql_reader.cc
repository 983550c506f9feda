#include "audit/postgresql_reader.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "audit/forwarded_row.h"
#include "audit/postgresql_schema.h"
#include "audit/postgresql_selection.h"
#include "audit/postgresql_summary.h"

namespace audit {
namespace {

using postgresql::Connection;
using postgresql::Outcome;
using postgresql::Rows;
using postgresql::Statement;

// In memory at a time beside the page: 64 records of 64 KiB are 4 MiB.
constexpr std::int64_t kChunkRows = 64;

// For those who wait behind a reader that waits for a writer that is stuck.
constexpr const char* kLockLimit = "SET LOCAL lock_timeout = '3s'";

constexpr const char* kQueryCanceled = "57014";

constexpr const char* kMicroseconds = "(extract(epoch FROM time) * 1000000)::bigint";

base::Time TimeOf(std::int64_t microseconds) { return base::Time(std::chrono::microseconds(microseconds)); }

class PostgresqlReader final : public Reader {
 public:
  explicit PostgresqlReader(PostgresqlReaderOptions options) : options_(std::move(options)) {}

  base::Result<Page> Read(const Query& query) override {
    if (query.limit < 1) {
      return base::Fail(base::ErrorCode::kInvalidArgument, "a limit of " + std::to_string(query.limit) + ": must be 1 or more");
    }
    std::optional<postgresql::Place> before;
    std::optional<std::int64_t> after = 0;
    if (!query.cursor.empty()) {
      before = postgresql::ParseNewestCursor(query.cursor);
      after = postgresql::ParseArrivalCursor(query.cursor);
      if (query.order == Order::kNewestFirst ? !before : !after) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "cursor " + query.cursor + ": is none of PostgreSQL's in this order",
                          "begin anew, without a cursor");
      }
    }
    return Ask<Page>([&](const base::Until& until) {
      return query.order == Order::kNewestFirst ? ReadNewest(query, before, until) : ReadArrived(query, *after, until);
    });
  }

  base::Result<Summary> Summarise(const Filter& filter) override {
    return Ask<Summary>([&](const base::Until& until) { return Summarise(filter, until); });
  }

  base::Result<std::string> End() override {
    return Ask<std::string>([&](const base::Until& until) -> Outcome<std::string> {
      const auto horizon = Horizon(until);
      return horizon ? Outcome<std::string>(postgresql::ArrivalCursor(*horizon)) : tl::unexpected(horizon.error());
    });
  }

 private:
  // `question` on a connection; once more on a new one when it is the old one that failed.
  template <class Answer, class Question>
  base::Result<Answer> Ask(Question question) {
    const base::Until until{std::chrono::steady_clock::now() + options_.deadline, options_.stop.get()};
    while (true) {
      const bool reused = connection_.has_value();
      if (!reused) {
        if (auto connected = Connect(until); !connected) {
          return tl::unexpected(std::move(connected.error()));
        }
      }
      Outcome<Answer> answer = question(until);
      if (answer) {
        return *std::move(answer);
      }
      const bool lost = !connection_->Lives();
      connection_.reset();
      const bool over = std::chrono::steady_clock::now() >= until.deadline;
      if (answer.error().state == kQueryCanceled || over) {
        return base::Fail(base::ErrorCode::kUnavailable,
                          Describe(options_.server) + ": the answer took longer than " + std::to_string(options_.deadline.count()) + " ms",
                          "narrow the question, with since above all");
      }
      if (!lost || !reused || options_.stop->IsSet()) {
        return tl::unexpected<base::Error>(answer.error());
      }
    }
  }

  base::Result<void> Connect(const base::Until& until) {
    auto connection = Connection::Open(options_.server, options_.resolve, until);
    if (!connection) {
      return tl::unexpected<base::Error>(connection.error());
    }
    const auto version = postgresql::ReadSchemaVersion(*connection, until);
    if (!version) {
      return tl::unexpected<base::Error>(version.error());
    }
    if (auto refusal = postgresql::RefusalOf(*version, Describe(options_.server))) {
      return tl::unexpected(*std::move(refusal));
    }
    connection_ = *std::move(connection);
    return {};
  }

  // One that ends with the deadline on the server, too.
  Outcome<void> Begin(const base::Until& until, const std::string& isolation = "READ COMMITTED") {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until.deadline - std::chrono::steady_clock::now()).count();
    const std::string limit = std::to_string(std::max<std::int64_t>(left, 1));
    auto begun = connection_->Execute("BEGIN ISOLATION LEVEL " + isolation + " READ ONLY; SET LOCAL statement_timeout = " + limit +
                                          "; SET LOCAL idle_in_transaction_session_timeout = '10s'",
                                      until);
    return begun ? Outcome<void>() : tl::unexpected(std::move(begun.error()));
  }

  Outcome<void> Commit(const base::Until& until) {
    auto ended = connection_->Execute("COMMIT", until);
    return ended ? Outcome<void>() : tl::unexpected(std::move(ended.error()));
  }

  // Everything that arrived up to it is committed, or never will be: whoever inserts holds the lock as well, shared, from before a row gets
  // its number to after the commit. In one message: a client that is stuck holds up no writer.
  Outcome<std::int64_t> Horizon(const base::Until& until) {
    const auto rows =
        connection_->Execute(std::string("BEGIN; ") + kLockLimit + "; SELECT " + postgresql::TakeLock(postgresql::Lock::kArrival) +
                                 "; SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM acr_admission.arrival; COMMIT",
                             until);
    if (!rows) {
      return tl::unexpected(rows.error());
    }
    return rows->Int(0, 0);
  }

  Outcome<Page> ReadNewest(const Query& query, std::optional<postgresql::Place> before, const base::Until& until) {
    return ReadPage(
        query, until,
        [&](Statement& statement) {
          if (before) {
            const std::string time = statement.Add(base::FormatTime(before->time)) + "::timestamptz";
            const std::string log = statement.Add("\\x" + before->log_hex) + "::bytea";
            const std::string sequence = statement.Add(std::to_string(before->sequence)) + "::bigint";
            statement.sql += " AND time <= " + time + " AND (time, log, sequence) < (" + time + ", " + log + ", " + sequence + ")";
          }
          statement.sql += " ORDER BY time DESC, log DESC, sequence DESC";
        },
        [&](const Rows& rows, int row) {
          before = postgresql::Place{TimeOf(rows.Int(row, 0)), std::string(rows.Text(row, 4)), rows.Int(row, 1)};
          return postgresql::NewestCursor(*before);
        });
  }

  Outcome<Page> ReadArrived(const Query& query, std::int64_t after, const base::Until& until) {
    const auto horizon = Horizon(until);
    if (!horizon) {
      return tl::unexpected(horizon.error());
    }
    auto page = ReadPage(
        query, until,
        [&](Statement& statement) {
          statement.sql += " AND arrival > " + statement.Add(std::to_string(after)) +
                           "::bigint AND arrival <= " + statement.Add(std::to_string(*horizon)) + "::bigint ORDER BY arrival";
        },
        [&](const Rows& rows, int row) {
          after = rows.Int(row, 3);
          return postgresql::ArrivalCursor(after);
        });
    if (page && page->next.empty()) {
      page->next = postgresql::ArrivalCursor(std::max(after, *horizon));  // what did not match is behind
    }
    return page;
  }

  // Chunks of rows until the page is full. `place` adds where a chunk begins and the order; `behind` is told of each row that is handed
  // out, and returns the cursor behind it.
  template <class AddPlace, class Behind>
  Outcome<Page> ReadPage(const Query& query, const base::Until& until, AddPlace place, Behind behind) {
    Page page;
    const std::int64_t limit = std::min(query.limit, kMaxPageRows);
    std::size_t bytes = 0;
    if (auto begun = Begin(until); !begun) {
      return tl::unexpected(std::move(begun.error()));
    }
    for (bool full = false; !full;) {
      // One more than is handed out tells whether there is more.
      const std::int64_t chunk = std::min(kChunkRows, limit - static_cast<std::int64_t>(page.rows.size()) + 1);
      Statement statement{
          "SELECT " + std::string(kMicroseconds) + ", sequence, record, arrival, encode(log, 'hex') FROM acr_admission.decision", {}};
      AddFilter(statement, query.filter, options_.cluster);
      place(statement);
      statement.sql += " LIMIT " + std::to_string(chunk);
      const auto rows = connection_->Query(statement.sql, statement.parameters, until);
      if (!rows) {
        return tl::unexpected(rows.error());
      }
      std::string last;
      for (int row = 0; row < rows->size(); ++row) {
        if (static_cast<std::int64_t>(page.rows.size()) == limit || bytes >= kMaxPageBytes) {
          page.next = last.empty() ? page.next : last;
          full = true;
          break;
        }
        page.rows.push_back({TimeOf(rows->Int(row, 0)), rows->Int(row, 1), std::string(rows->Text(row, 2))});
        bytes += page.rows.back().record.size();
        last = behind(*rows, row);
        page.next = last;
      }
      if (!full && rows->size() < chunk) {
        page.next.clear();
        full = true;
      }
    }
    if (auto ended = Commit(until); !ended) {
      return tl::unexpected(std::move(ended.error()));
    }
    return page;
  }

  Outcome<Summary> Summarise(const Filter& filter, const base::Until& until) {
    if (auto begun = Begin(until, "REPEATABLE READ"); !begun) {
      return tl::unexpected(std::move(begun.error()));
    }
    auto summary = postgresql::Summarise(*connection_, filter, options_.cluster, until);
    if (!summary) {
      return summary;
    }
    if (auto ended = Commit(until); !ended) {
      return tl::unexpected(std::move(ended.error()));
    }
    return summary;
  }

  const PostgresqlReaderOptions options_;
  std::optional<Connection> connection_;
};

}  // namespace

std::unique_ptr<Reader> MakePostgresqlReader(PostgresqlReaderOptions options) {
  return std::make_unique<PostgresqlReader>(std::move(options));
}

}  // namespace audit
