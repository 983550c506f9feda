#include "audit/database_reader.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "audit/cursor.h"
#include "audit/glob.h"
#include "audit/open_for_reading.h"
#include "audit/plan.h"
#include "audit/selection.h"
#include "audit/sqlite.h"
#include "audit/summarise.h"
#include "base/hex.h"

namespace audit {
namespace {

using sqlite::Outcome;

// SQLite's virtual instructions between two looks at the clock: well below a millisecond.
constexpr int kInstructionsPerLook = 10'000;

// Of a database of version 1, whose log has no name.
constexpr std::string_view kNameless = "00000000000000000000000000000000";

constexpr std::int64_t kVersionWithChain = 2;

// image_glob(pattern, text)
void ImageGlob(sqlite3_context* context, int, sqlite3_value** values) {
  const auto text = [&](int i) {
    const auto* data = static_cast<const char*>(sqlite3_value_blob(values[i]));
    return data == nullptr ? std::string_view() : std::string_view(data, static_cast<std::size_t>(sqlite3_value_bytes(values[i])));
  };
  sqlite3_result_int(context, GlobMatches(text(0), text(1)) ? 1 : 0);
}

// Which file a path names at present.
struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};
std::optional<Identity> IdentityOf(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 ? std::optional(Identity{status.st_dev, status.st_ino}) : std::nullopt;
}

base::Time TimeOf(std::int64_t microseconds) { return base::Time(std::chrono::microseconds(microseconds)); }

// One view of the database for all that a call reads; over when the call is.
class View {
 public:
  static Outcome<View> Begin(sqlite::Connection& connection) {
    if (auto begun = connection.Execute("BEGIN"); !begun) {
      return tl::unexpected(begun.error());
    }
    return View(connection);
  }
  View(View&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  View& operator=(View&&) = delete;
  ~View() {
    if (connection_ != nullptr) {
      static_cast<void>(connection_->Execute("ROLLBACK"));  // fails where a failure has ended it already
    }
  }

 private:
  explicit View(sqlite::Connection& connection) : connection_(&connection) {}
  sqlite::Connection* connection_;
};

class DatabaseReader final : public Reader {
 public:
  DatabaseReader(std::string path, std::chrono::milliseconds deadline, const base::Clock* clock)
      : path_(std::move(path)), deadline_(deadline), clock_(clock) {}

  base::Result<void> Open() {
    identity_ = IdentityOf(path_);  // first: a file that takes its place meanwhile is noticed at the next call
    auto connection = OpenForReading(path_, Versions::kAll);
    if (!connection) {
      return tl::unexpected(connection.error());
    }
    connection_ = std::move(*connection);
    constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    if (sqlite3_create_function_v2(connection_.handle(), "image_glob", 2, kFlags, nullptr, ImageGlob, nullptr, nullptr, nullptr) !=
        SQLITE_OK) {
      return tl::unexpected<base::Error>(sqlite::LastFailure(connection_.handle()));
    }
    if (clock_ != nullptr) {
      sqlite3_progress_handler(connection_.handle(), kInstructionsPerLook, IsOverdue, this);
    }
    // Sorting goes to memory: the root file system may be read-only.
    if (auto set = connection_.Execute("PRAGMA temp_store = MEMORY"); !set) {
      return tl::unexpected<base::Error>(set.error());
    }
    return {};
  }

  base::Result<Page> Read(const Query& query) override {
    if (query.limit < 1) {
      return base::Fail(base::ErrorCode::kInvalidArgument, "a limit of " + std::to_string(query.limit) + ": must be 1 or more");
    }
    return Call<Page>([&] { return ReadPage(query); });
  }

  base::Result<Summary> Summarise(const Filter& filter) override {
    return Call<Summary>([&]() -> base::Result<Summary> {
      auto summary = SummariseDatabase(connection_, filter, version_);
      if (!summary) {
        return Failed(summary.error());
      }
      return *std::move(summary);
    });
  }

  base::Result<std::string> End() override {
    return Call<std::string>([&]() -> base::Result<std::string> {
      const auto end = LastSequence();
      if (!end) {
        return Failed(end.error());
      }
      return LogCursor(log_, *end);
    });
  }

 private:
  static int IsOverdue(void* reader) {
    const auto& self = *static_cast<const DatabaseReader*>(reader);
    return self.clock_->Monotonic() >= self.end_ ? 1 : 0;  // anything but 0 interrupts
  }

  tl::unexpected<base::Error> Failed(const sqlite::Failure& failure) const {
    constexpr int kPrimaryMask = 0xff;
    if ((failure.code & kPrimaryMask) == SQLITE_INTERRUPT) {
      return base::Fail(base::ErrorCode::kUnavailable,
                        "audit database " + path_ + ": the answer took longer than " + std::to_string(deadline_.count()) + " ms",
                        "narrow the question, with since above all");
    }
    return tl::unexpected<base::Error>(failure);
  }

  template <class T, class Body>
  base::Result<T> Call(Body body) {
    if (clock_ != nullptr) {
      end_ = clock_->Monotonic() + deadline_;
    }
    if (const auto identity = IdentityOf(path_); !identity || identity != identity_) {
      if (auto opened = Open(); !opened) {
        return tl::unexpected(opened.error());
      }
    }
    const auto view = View::Begin(connection_);
    if (!view) {
      return Failed(view.error());
    }
    if (auto known = LearnLog(); !known) {
      return Failed(known.error());
    }
    return body();
  }

  // At every call, since serve may have migrated the database meanwhile.
  Outcome<void> LearnLog() {
    const auto version = connection_.QueryInt("PRAGMA user_version");
    if (!version) {
      return tl::unexpected(version.error());
    }
    version_ = *version;
    log_ = kNameless;
    if (version_ < kVersionWithChain) {
      return {};
    }
    auto name = connection_.Prepare("SELECT log FROM chain");
    if (!name) {
      return tl::unexpected(name.error());
    }
    const auto row = name->Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (*row) {
      log_ = base::ToHex(name->Text(0));
    }
    return {};
  }

  // Of all that was committed, also when retention has taken it since.
  Outcome<std::int64_t> LastSequence() {
    return connection_.QueryInt("SELECT max(upto, coalesce((SELECT max(id) FROM decision), 0)) FROM tally");
  }

  Outcome<std::vector<std::int64_t>> ReadIds(const Query& query, const IdRange& within, std::int64_t limit) {
    const auto plan = PlanFor(connection_, query.filter, within, version_);
    if (!plan) {
      return tl::unexpected(plan.error());
    }
    Selection selection = Select("d.id", query.filter, plan->way, plan->ids);
    OrderAndLimit(selection, query.order, limit);
    auto statement = Prepare(connection_, selection);
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    std::vector<std::int64_t> found;
    while (true) {
      const auto row = statement->Step();
      if (!row) {
        return tl::unexpected(row.error());
      }
      if (!*row) {
        return found;
      }
      found.push_back(statement->Int(0));
    }
  }

  // Up to `limit` rows, fewer when they come to the bytes of a page.
  Outcome<std::vector<Row>> ReadRows(const std::vector<std::int64_t>& ids, std::size_t limit) {
    auto statement = connection_.Prepare("SELECT time, record FROM decision WHERE id = ?1");
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    std::vector<Row> rows;
    std::size_t bytes = 0;
    for (const std::int64_t id : ids) {
      if (rows.size() == limit || bytes >= kMaxPageBytes) {
        break;
      }
      const auto row = statement->Bind(1, id).Step();
      if (!row) {
        return tl::unexpected(row.error());
      }
      if (*row) {
        rows.push_back({TimeOf(statement->Int(0)), id, std::string(statement->Text(1))});
        bytes += rows.back().record.size();
        statement->Reset();
      }
    }
    return rows;
  }

  base::Result<Page> ReadPage(const Query& query) {
    const auto end = LastSequence();
    if (!end) {
      return Failed(end.error());
    }
    const bool newest_first = query.order == Order::kNewestFirst;
    std::int64_t position = newest_first ? *end + 1 : 0;
    if (!query.cursor.empty()) {
      const auto cursor = ParseLogCursor(query.cursor);
      // Newest first, there is a place behind the newest row: of a log of which nothing was handed out yet (audit/merge.h).
      if (!cursor || cursor->log_hex != log_ || cursor->sequence > *end + (newest_first ? 1 : 0)) {
        return base::Fail(base::ErrorCode::kInvalidArgument, "audit database " + path_ + ": the cursor is none of this log's",
                          "begin again without one: another log may have taken its place");
      }
      position = cursor->sequence;
    }
    IdRange within;
    (newest_first ? within.last : within.first) = newest_first ? position - 1 : position + 1;
    const std::int64_t limit = std::min(query.limit, kMaxPageRows);
    const auto found = ReadIds(query, within, limit + 1);  // one more, to see whether there is
    if (!found) {
      return Failed(found.error());
    }
    auto rows = ReadRows(*found, static_cast<std::size_t>(limit));
    if (!rows) {
      return Failed(rows.error());
    }
    Page page;
    page.log = log_;
    page.rows = std::move(*rows);
    if (page.rows.size() < found->size()) {
      page.next = LogCursor(log_, page.rows.back().sequence);
    } else if (!newest_first) {
      page.next = LogCursor(log_, *end);
    }
    return page;
  }

  const std::string path_;
  const std::chrono::milliseconds deadline_;
  const base::Clock* const clock_;  // null: no deadline

  std::optional<Identity> identity_;
  sqlite::Connection connection_;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::time_point::max();  // of this call
  std::int64_t version_ = 0;
  std::string log_;  // its name, in hexadecimal
};

base::Result<std::unique_ptr<Reader>> OpenReader(const std::string& path, std::chrono::milliseconds deadline, const base::Clock* clock) {
  auto reader = std::make_unique<DatabaseReader>(path, deadline, clock);
  if (auto opened = reader->Open(); !opened) {
    return tl::unexpected(opened.error());
  }
  return reader;
}

}  // namespace

base::Result<std::unique_ptr<Reader>> OpenDatabaseReader(const std::string& path) { return OpenReader(path, {}, nullptr); }

base::Result<std::unique_ptr<Reader>> OpenDatabaseReader(const std::string& path, std::chrono::milliseconds deadline,
                                                         const base::Clock& clock) {
  return OpenReader(path, deadline, &clock);
}

}  // namespace audit
