#include "audit/verify.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "audit/chain.h"
#include "audit/chained_row.h"
#include "audit/open_for_reading.h"
#include "audit/registry_list.h"
#include "audit/sqlite.h"

namespace audit {
namespace {

using sqlite::Outcome;
using sqlite::Statement;

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

// A table's rows in the order of ids, one at a time.
class Walk {
 public:
  Outcome<void> Begin(sqlite::Connection& connection, std::string_view sql, std::optional<std::int64_t> from) {
    auto statement = connection.Prepare(sql);
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    statement_ = std::move(*statement);
    if (from) {
      statement_.Bind(1, *from);
    }
    return Next();
  }
  Outcome<void> Next() {
    const auto row = statement_.Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    id_ = *row ? statement_.Int(0) : kNone;
    return {};
  }
  std::int64_t id() const { return id_; }  // kNone: behind the last
  const Statement& row() const { return statement_; }

 private:
  Statement statement_;
  std::int64_t id_ = kNone;
};

class Verifier {
 public:
  Verifier(sqlite::Connection& connection, std::span<const Anchor> anchors)
      : connection_(connection), all_anchors_(anchors), anchors_(anchors) {}

  Outcome<Verification> Run() {
    if (auto begun = Begin(); !begun) {
      return tl::unexpected(begun.error());
    }
    if (!result_.broken) {
      CompareAnchors(result_.first - 1, false);
    }
    while (!result_.broken && std::min({rows_.id(), tombstones_.id(), gaps_.id()}) != kNone) {
      if (auto stepped = Step(); !stepped) {
        return tl::unexpected(stepped.error());
      }
    }
    if (!result_.broken) {
      CheckEnd();
    }
    if (!result_.broken) {
      CheckDeletions();
    }
    if (!result_.broken) {
      if (auto checked = CheckRegistries(); !checked) {
        return tl::unexpected(checked.error());
      }
    }
    result_.unproven_at_end = pending_;
    return std::move(result_);
  }

 private:
  Outcome<void> Begin() {
    auto head = connection_.Prepare("SELECT c.log, c.first, t.upto, t.head FROM chain AS c JOIN tally AS t");
    if (!head) {
      return tl::unexpected(head.error());
    }
    const auto row = head->Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    if (!*row) {
      Break(1, 1, "the chain's beginning is missing");
      return {};
    }
    result_.first = head->Int(1);
    result_.last = result_.first - 1;
    upto_ = head->Int(2);
    head_ = ReadDigest(head->Text(3));
    value_ = chain_.Begin(head->Text(0), result_.first);
    const auto older = connection_.QueryInt("SELECT count(*) FROM decision WHERE id < (SELECT first FROM chain)");
    if (!older) {
      return tl::unexpected(older.error());
    }
    result_.older = *older;
    const auto cut = connection_.QueryInt("SELECT count(*) FROM decision WHERE id < (SELECT first FROM chain) AND chain IS NOT NULL");
    if (!cut) {
      return tl::unexpected(cut.error());
    }
    if (*cut > 0) {
      Break(1, result_.first - 1, "of a chain that was cut off: another was begun behind them");
      return {};
    }
    auto by_registry = connection_.Prepare("SELECT 1 FROM decision_registry WHERE decision = ?1 AND registry = ?2 AND id = ?3");
    if (!by_registry) {
      return tl::unexpected(by_registry.error());
    }
    by_registry_ = *std::move(by_registry);
    if (auto begun = rows_.Begin(connection_, kReadChainedRows, result_.first); !begun) {
      return begun;
    }
    if (auto begun = tombstones_.Begin(connection_, "SELECT id, digest FROM tombstone ORDER BY id", std::nullopt); !begun) {
      return begun;
    }
    return gaps_.Begin(connection_, "SELECT first, last, chain FROM gap ORDER BY first", std::nullopt);
  }

  // The row, tombstone or gap that comes next.
  Outcome<void> Step() {
    const std::int64_t expected = result_.last + 1;
    const std::int64_t next = std::min({rows_.id(), tombstones_.id(), gaps_.id()});
    if (next > expected) {
      Break(expected, next - 1, "missing, with no trace of a deletion by retention");
      return {};
    }
    if (next < expected) {
      Break(next, next, "both there and deleted");
      return {};
    }
    if (gaps_.id() == next) {
      return StepGap();
    }
    if (tombstones_.id() == next) {
      const auto digest = ReadDigest(tombstones_.row().Text(1));
      value_ = chain_.Next(value_, next, digest.value_or(Digest{}));
      CountDeleted(next, next);
      result_.last = next;
      CompareAnchors(next, false);
      return tombstones_.Next();
    }
    return StepRow();
  }

  Outcome<void> StepGap() {
    const std::int64_t first = gaps_.id();
    const std::int64_t last = gaps_.row().Int(1);
    const auto value = ReadDigest(gaps_.row().Text(2));
    if (last < first || !value) {
      Break(first, first, "deleted, and what is left of that is no part of a chain");
      return {};
    }
    result_.unproven_in_front += std::exchange(pending_, 0);
    CountDeleted(first, last);
    result_.last = last;
    value_ = *value;
    // Anchors inside the gap have nothing to be compared with.
    while (!anchors_.empty() && anchors_.front().sequence < last) {
      anchors_ = anchors_.subspan(1);
    }
    CompareAnchors(last, false);
    return gaps_.Next();
  }

  Outcome<void> StepRow() {
    const ChainedRow row = ReadChainedRow(rows_.row());
    const std::int64_t id = rows_.id();
    value_ = chain_.Next(value_, id, chain_.DigestOf(row));
    if (const auto stored = ReadDigest(rows_.row().Text(12)); stored != value_) {
      Break(id, id, "altered, or a trace of deleted records before it was", true);
      return {};
    }
    const auto found = IsFoundByRegistry(row, id);
    if (!found) {
      return tl::unexpected(found.error());
    }
    if (!*found) {
      Break(id, id, "not found by its registry any more: what finds it was removed", true);
      return {};
    }
    ++result_.records;
    ++pending_;
    result_.last = id;
    CompareAnchors(id, true);
    return rows_.Next();
  }

  // A question about a registry would miss a row that is not.
  Outcome<bool> IsFoundByRegistry(const ChainedRow& row, std::int64_t id) {
    if (row.decision == "Allowed") {
      return true;
    }
    for (const std::string_view registry : RegistriesIn(row.registries)) {
      auto found = by_registry_.Bind(1, row.decision).Bind(2, registry).Bind(3, id).Step();
      by_registry_.Reset();
      if (!found || !*found) {
        return found;
      }
      ++found_by_registry_;
    }
    return true;
  }

  // More than the rows have: it shows nothing that is not there, but somebody wrote it.
  Outcome<void> CheckRegistries() {
    const auto stored = connection_.QueryInt("SELECT count(*) FROM decision_registry WHERE id >= (SELECT first FROM chain)");
    if (!stored) {
      return tl::unexpected(stored.error());
    }
    if (*stored <= found_by_registry_) {
      return {};
    }
    const auto first = connection_.QueryInt(
        "SELECT min(r.id) FROM decision_registry AS r WHERE r.id >= (SELECT first FROM chain) AND NOT EXISTS (SELECT 1 FROM decision AS d "
        "WHERE d.id = r.id AND d.decision = r.decision AND instr(d.registries, ' ' || r.registry || ' ') > 0)");
    if (!first) {
      return tl::unexpected(first.error());
    }
    Break(*first, *first, "found by a registry that it does not have");
    return {};
  }

  // With those at the place that the walk has come to.
  void CompareAnchors(std::int64_t sequence, bool at_row) {
    while (!result_.broken && !anchors_.empty() && anchors_.front().sequence <= sequence) {
      const Anchor& anchor = anchors_.front();
      if (anchor.sequence < sequence || anchor.value != value_) {
        const std::int64_t from = result_.anchors > 0 ? result_.proven_to + 1 : result_.first;
        Break(std::min(from, sequence), sequence, "not what the anchor of " + anchor.time + " says", at_row);
        return;
      }
      ++result_.anchors;
      result_.proven += std::exchange(pending_, 0);
      result_.proven_to = sequence;
      result_.proven_time = anchor.time;
      anchors_ = anchors_.subspan(1);
    }
  }

  // Rows that were cut off at the end leave no hole.
  void CheckEnd() {
    if (!anchors_.empty()) {
      Break(result_.last + 1, anchors_.back().sequence, "missing: the anchor of " + anchors_.back().time + " names them");
    } else if (upto_ > result_.last) {
      Break(result_.last + 1, upto_, "missing: they were counted");
    } else if (upto_ == result_.last && head_ != value_) {
      Break(result_.last, result_.last, "not what was noted when the log was last put in order");
    }
  }

  void CountDeleted(std::int64_t first, std::int64_t last) {
    result_.deleted += last - first + 1;
    const std::int64_t named = all_anchors_.empty() ? 0 : all_anchors_.back().sequence;
    deleted_and_named_ += std::max<std::int64_t>(std::min(last, named) - first + 1, 0);
  }

  // More are deleted than retention told of. Of a run's own deletions its anchors tell; so what else was deleted shows at the next run's
  // first anchor, which counts what it found, or in the database.
  void CheckDeletions() {
    const Anchor* before = nullptr;
    for (const Anchor& anchor : all_anchors_) {
      if (anchor.deletions && anchor.deletions->first_of_run && before != nullptr && before->deletions &&
          anchor.deletions->at_most > before->deletions->at_most) {
        BreakByDeletions(anchor.deletions->at_most, anchor.sequence, *before, " when the run of " + anchor.time + " began");
        return;
      }
      before = &anchor;
    }
    if (before == nullptr || !before->deletions) {
      return;
    }
    if (deleted_and_named_ > before->deletions->at_most) {
      BreakByDeletions(deleted_and_named_, before->sequence, *before, "");
    }
    result_.deletions_known = true;
  }

  void BreakByDeletions(std::int64_t deleted, std::int64_t sequence, const Anchor& anchor, const std::string& when) {
    Break(result_.first, sequence,
          std::to_string(deleted) + " deleted" + when + ", by the anchor of " + anchor.time + " at most " +
              std::to_string(anchor.deletions->at_most) + ": by another hand than retention's, or newer anchors were not given");
  }

  void Break(std::int64_t from, std::int64_t to, std::string what, bool at_row = false) {
    Verification::Break broken{from, to, {}, {}, std::move(what)};
    if (at_row) {
      const ChainedRow row = ReadChainedRow(rows_.row());
      broken.time = base::FormatTime(base::Time(std::chrono::microseconds(row.time)));
      broken.uid = row.uid;
    }
    result_.broken = std::move(broken);
  }

  sqlite::Connection& connection_;
  const std::span<const Anchor> all_anchors_;
  std::span<const Anchor> anchors_;  // those that are still to come
  Chain chain_;
  Walk rows_, tombstones_, gaps_;
  Statement by_registry_;
  std::int64_t found_by_registry_ = 0;
  Digest value_{};                      // behind result_.last
  std::int64_t pending_ = 0;            // records since the last anchor or gap
  std::int64_t deleted_and_named_ = 0;  // up to the last anchor
  std::int64_t upto_ = 0;
  std::optional<Digest> head_;
  Verification result_;
};

}  // namespace

base::Result<std::string> LogName(const std::string& database) {
  auto connection = OpenForReading(database, Versions::kNewestOnly);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  auto name = connection->Prepare("SELECT log FROM chain");
  if (!name) {
    return tl::unexpected<base::Error>(name.error());
  }
  const auto row = name->Step();
  if (!row) {
    return tl::unexpected<base::Error>(row.error());
  }
  return *row ? std::string(name->Text(0)) : std::string();
}

base::Result<Verification> Verify(const std::string& database, std::span<const Anchor> anchors) {
  auto connection = OpenForReading(database, Versions::kNewestOnly);
  if (!connection) {
    return tl::unexpected(connection.error());
  }
  // One view of the database: what is committed or deleted meanwhile does not matter.
  if (const auto begun = connection->Execute("BEGIN"); !begun) {
    return tl::unexpected<base::Error>(begun.error());
  }
  auto result = Verifier(*connection, anchors).Run();
  if (!result) {
    return tl::unexpected<base::Error>(result.error());
  }
  return std::move(*result);
}

}  // namespace audit
