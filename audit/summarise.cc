#include "audit/summarise.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "audit/hourly.h"
#include "audit/plan.h"
#include "audit/selection.h"
#include "audit/summary_builder.h"

namespace audit {
namespace {

using sqlite::Outcome;
using std::chrono::hours;

// [first, last): hours since 1970.
struct Hours {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

std::int64_t FloorHour(base::Time time) { return std::chrono::floor<hours>(time).time_since_epoch().count(); }
base::Time BeginOf(std::int64_t hour) { return base::Time(hours(hour)); }

Counts Chosen(const Counts& counts, const std::string& decision) {
  const auto count = [&](const char* name, std::int64_t number) { return decision.empty() || decision == name ? number : 0; };
  return {count("Allowed", counts.allowed), count("Warned", counts.warned), count("Denied", counts.denied)};
}

class Summariser {
 public:
  Summariser(sqlite::Connection& connection, const Filter& filter, std::int64_t version)
      : connection_(connection), filter_(filter), version_(version) {}

  Outcome<Summary> Run() {
    const bool rolled = version_ >= kVersionWithQuestions && filter_.registry.empty() && filter_.image.empty() && filter_.user.empty() &&
                        filter_.uid.empty() && filter_.cluster.empty();
    const auto added = rolled ? AddRolled() : AddRows(filter_, {});
    if (!added) {
      return tl::unexpected(added.error());
    }
    return std::move(builder_).Build();
  }

 private:
  Outcome<void> AddRolled() {
    const auto counted = connection_.QueryInt("SELECT id FROM cursor WHERE consumer = 'hourly'");
    if (!counted) {
      return tl::unexpected(counted.error());
    }
    counted_ = *counted;
    if (auto added = AddRows(filter_, {.first = counted_ + 1}); !added) {
      return added;
    }
    const auto there = HoursThere();
    if (!there) {
      return tl::unexpected(there.error());
    }
    // Before the first hour that there is: its roll-ups went before its rows.
    if (there->first == there->last || (filter_.until && *filter_.until <= BeginOf(there->first))) {
      return AddCounted(filter_.since, filter_.until);
    }
    if (!filter_.since || *filter_.since < BeginOf(there->first)) {
      if (auto added = AddCounted(filter_.since, BeginOf(there->first)); !added) {
        return added;
      }
    }
    const base::Time since = filter_.since ? std::max(*filter_.since, BeginOf(there->first)) : BeginOf(there->first);
    const base::Time until = filter_.until ? std::min(*filter_.until, BeginOf(there->last)) : BeginOf(there->last);
    return since < until ? AddHours(since, until, there->first) : Outcome<void>();
  }

  // Of what is counted. `oldest`: the first hour that there is, of which some may have been removed.
  Outcome<void> AddHours(base::Time since, base::Time until, std::int64_t oldest) {
    Hours whole{FloorHour(since), FloorHour(until)};
    if (BeginOf(whole.first) < since || whole.first == oldest) {
      const base::Time end = std::min(until, BeginOf(whole.first + 1));
      if (auto added = AddCutHour(whole.first, since, end); !added) {
        return added;
      }
      ++whole.first;
    }
    if (whole.first <= whole.last && BeginOf(whole.last) < until) {
      if (auto added = AddCutHour(whole.last, BeginOf(whole.last), until); !added) {
        return added;
      }
    }
    return whole.first < whole.last ? AddRollUps(whole) : Outcome<void>();
  }

  Outcome<void> AddCutHour(std::int64_t hour, base::Time since, base::Time until) {
    const auto whole = AllIsThere(hour);
    if (!whole) {
      return tl::unexpected(whole.error());
    }
    return *whole ? AddCounted(since, until) : AddRollUps({hour, hour + 1});
  }

  // Whether every row that was counted for that hour can still be read.
  Outcome<bool> AllIsThere(std::int64_t hour) {
    const Filter whole{.since = BeginOf(hour), .until = BeginOf(hour + 1)};
    const auto plan = PlanFor(connection_, whole, {.last = counted_}, version_);
    if (!plan) {
      return tl::unexpected(plan.error());
    }
    // Of verdicts that turned there are no counts.
    const auto rows = Count(Select("coalesce(sum(d.decision <> 'VerdictChanged'), 0)", whole, plan->way, plan->ids));
    if (!rows) {
      return tl::unexpected(rows.error());
    }
    Selection counted{"SELECT coalesce(sum(allowed + warned + denied), 0) FROM hourly WHERE hour = ?1 AND dimension = 0", {hour}};
    const auto expected = Count(counted);
    if (!expected) {
      return tl::unexpected(expected.error());
    }
    return *rows >= *expected;
  }

  Outcome<std::int64_t> Count(const Selection& selection) {
    auto statement = Prepare(connection_, selection);
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    const auto row = statement->Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    return *row ? statement->Int(0) : 0;
  }

  Outcome<Hours> HoursThere() {
    auto statement = connection_.Prepare("SELECT (SELECT min(hour) FROM hourly), (SELECT max(hour) FROM hourly)");
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    const auto row = statement->Step();
    if (!row) {
      return tl::unexpected(row.error());
    }
    return *row && !statement->IsNull(0) ? Hours{statement->Int(0), statement->Int(1) + 1} : Hours{};
  }

  Outcome<void> AddCounted(std::optional<base::Time> since, std::optional<base::Time> until) {
    Filter filter = filter_;
    filter.since = since;
    filter.until = until;
    return AddRows(filter, {.last = counted_});
  }

  Outcome<void> AddRows(const Filter& filter, const IdRange& within) {
    if (within.first > within.last) {
      return {};
    }
    const auto plan = PlanFor(connection_, filter, within, version_);
    if (!plan) {
      return tl::unexpected(plan.error());
    }
    // The text of what was allowed is not looked at.
    constexpr const char* kColumns = "d.time, d.decision, d.namespace, d.user, CASE d.decision WHEN 'Allowed' THEN '' ELSE d.record END";
    const Selection selection = Select(kColumns, filter, plan->way, plan->ids);
    return ForEachRow(selection, [this](const sqlite::Statement& row) {
      builder_.AddRow(base::Time(std::chrono::microseconds(row.Int(0))), row.Text(1), row.Text(2), row.Text(3), row.Text(4));
    });
  }

  Outcome<void> AddRollUps(const Hours& range) {
    return ForEachRow(SelectHourly(range, filter_.namespace_name), [this](const sqlite::Statement& row) { AddRollUp(row); });
  }

  void AddRollUp(const sqlite::Statement& row) {
    const Counts counts = Chosen({row.Int(4), row.Int(5), row.Int(6)}, filter_.decision);
    if (counts.IsZero()) {
      return;
    }
    switch (static_cast<HourlyDimension>(row.Int(2))) {
      case HourlyDimension::kAll:
        builder_.AddHour(BeginOf(row.Int(0)), counts);
        builder_.AddValue(Dimension::kNamespace, row.Text(1), counts);
        break;
      case HourlyDimension::kRegistry:
        builder_.AddValue(Dimension::kRegistry, row.Text(3), counts);
        break;
      case HourlyDimension::kRequirement:
        builder_.AddValue(Dimension::kRequirement, row.Text(3), counts);
        break;
      case HourlyDimension::kUser:
        builder_.AddValue(Dimension::kUser, row.Text(3), counts);
        break;
    }
  }

  template <class Take>  // void(const sqlite::Statement&)
  Outcome<void> ForEachRow(const Selection& selection, Take take) {
    auto statement = Prepare(connection_, selection);
    if (!statement) {
      return tl::unexpected(statement.error());
    }
    while (true) {
      const auto row = statement->Step();
      if (!row) {
        return tl::unexpected(row.error());
      }
      if (!*row) {
        return {};
      }
      take(*statement);
    }
  }

  static Selection SelectHourly(const Hours& range, const std::string& namespace_name) {
    Selection selection{"SELECT hour, namespace, dimension, value, allowed, warned, denied FROM hourly WHERE hour >= ?1 AND hour < ?2",
                        {range.first, range.last}};
    AddTextClause(selection, "namespace", namespace_name);
    return selection;
  }

  sqlite::Connection& connection_;
  const Filter& filter_;
  const std::int64_t version_;
  std::int64_t counted_ = 0;  // rows up to it are in the roll-ups
  SummaryBuilder builder_;
};

}  // namespace

Outcome<Summary> SummariseDatabase(sqlite::Connection& connection, const Filter& filter, std::int64_t version) {
  return Summariser(connection, filter, version).Run();
}

}  // namespace audit
