#include "audit/postgresql_summary.h"

#include <chrono>
#include <string>
#include <utility>

#include "audit/forwarded_row.h"
#include "audit/postgresql_selection.h"
#include "audit/summary_builder.h"

namespace audit::postgresql {
namespace {

// Counted singly by the server; of what is beyond, the sum alone comes over.
constexpr int kMostValues = 10'000;

class Summariser {
 public:
  Summariser(Connection& connection, const std::string& own_cluster, const base::Until& until)
      : connection_(connection), own_cluster_(own_cluster), until_(until) {}

  Outcome<Summary> Run(const Filter& filter) {
    if (auto added = HasRollUps(filter) ? AddRolled(filter) : AddRows(filter); !added) {
      return tl::unexpected(std::move(added.error()));
    }
    return std::move(builder_).Build();
  }

 private:
  // Whole hours of what is counted already, and the rows of those that the filter cuts.
  Outcome<void> AddRolled(const Filter& filter) {
    using std::chrono::hours;
    Filter whole = filter;
    Filter front = filter;
    Filter back = filter;
    if (filter.since) {
      whole.since = front.until = std::chrono::ceil<hours>(ForwardedTime(*filter.since));
    }
    if (filter.until) {
      whole.until = back.since = std::chrono::floor<hours>(ForwardedTime(*filter.until));
    }
    if (filter.since && filter.until && *whole.since >= *whole.until) {
      return AddRows(filter);
    }
    for (const auto& [cut, part] : {std::pair{whole.since != filter.since, &front}, std::pair{whole.until != filter.until, &back}}) {
      if (!cut) {
        continue;
      }
      if (auto added = AddRows(*part); !added) {
        return added;
      }
    }
    return AddRollUps(whole);
  }

  Outcome<void> AddRows(const Filter& filter) {
    constexpr const char* kWarnedAndDenied =
        "count(*) FILTER (WHERE decision = 'Warned') AS warned, count(*) FILTER (WHERE decision = 'Denied') AS denied";
    Statement counts{"SELECT floor(extract(epoch FROM time) / 3600)::bigint AS hour, count(*) FILTER (WHERE decision = 'Allowed'), " +
                         std::string(kWarnedAndDenied) + " FROM acr_admission.decision",
                     {}};
    AddFilter(counts, filter, own_cluster_);
    counts.sql += " GROUP BY hour";
    if (auto added = AddHours(counts); !added) {
      return added;
    }
    for (const auto& [dimension, values] :
         {std::pair{Dimension::kNamespace, "ARRAY[namespace]"}, std::pair{Dimension::kUser, "ARRAY[\"user\"]"},
          std::pair{Dimension::kRegistry, "blamed_registries"}, std::pair{Dimension::kRequirement, "blamed_requirements"}}) {
      Statement statement{
          "SELECT value, " + std::string(kWarnedAndDenied) + " FROM acr_admission.decision, unnest(" + values + ") AS value", {}};
      AddFilter(statement, filter, own_cluster_);
      statement.sql += " AND decision <> 'Allowed' AND value <> '' GROUP BY value";
      if (auto added = AddValues(dimension, std::move(statement)); !added) {
        return added;
      }
    }
    return {};
  }

  Outcome<void> AddRollUps(const Filter& filter) {
    const auto sum = [&](const char* decision, const char* column) {
      const bool asked = filter.decision.empty() || filter.decision == decision;
      return (asked ? "sum(" + std::string(column) + ")::bigint AS " : std::string("0::bigint AS ")) + column;
    };
    const std::string warned_and_denied = sum("Warned", "warned") + ", " + sum("Denied", "denied");
    Statement counts{"SELECT extract(epoch FROM hour)::bigint / 3600, " + sum("Allowed", "allowed") + ", " + warned_and_denied +
                         " FROM acr_admission.hourly",
                     {}};
    AddHourlyFilter(counts, filter, own_cluster_);
    counts.sql += " AND dimension = 'all' GROUP BY hour";
    if (auto added = AddHours(counts); !added) {
      return added;
    }
    struct Values {
      Dimension dimension;
      const char* name;
      const char* column;
    };
    for (const Values& values :
         {Values{Dimension::kNamespace, "all", "namespace"}, Values{Dimension::kUser, "user", "value"},
          Values{Dimension::kRegistry, "registry", "value"}, Values{Dimension::kRequirement, "requirement", "value"}}) {
      Statement statement{
          "SELECT * FROM (SELECT " + std::string(values.column) + " AS value, " + warned_and_denied + " FROM acr_admission.hourly", {}};
      AddHourlyFilter(statement, filter, own_cluster_);
      statement.sql += std::string(" AND dimension = '") + values.name + "' AND warned + denied > 0 GROUP BY 1) AS summed";
      statement.sql += " WHERE warned + denied > 0 AND value <> ''";
      if (auto added = AddValues(values.dimension, std::move(statement)); !added) {
        return added;
      }
    }
    return {};
  }

  // Of "SELECT hour, allowed, warned, denied …", the hour since 1970.
  Outcome<void> AddHours(const Statement& statement) {
    const auto rows = connection_.Query(statement.sql, statement.parameters, until_);
    if (!rows) {
      return tl::unexpected(rows.error());
    }
    for (int row = 0; row < rows->size(); ++row) {
      builder_.AddHour(base::Time(std::chrono::hours(rows->Int(row, 0))), {rows->Int(row, 1), rows->Int(row, 2), rows->Int(row, 3)});
    }
    return {};
  }

  // Of "SELECT value, warned, denied …".
  Outcome<void> AddValues(Dimension dimension, Statement statement) {
    statement.sql =
        "SELECT CASE WHEN n <= " + std::to_string(kMostValues) + " THEN value ELSE '" + kOtherValues +
        "' END, sum(warned)::bigint, sum(denied)::bigint FROM (SELECT *, row_number() OVER (ORDER BY denied DESC, warned DESC, value) AS n "
        "FROM (" +
        statement.sql + ") AS counted) AS numbered GROUP BY 1";
    const auto rows = connection_.Query(statement.sql, statement.parameters, until_);
    if (!rows) {
      return tl::unexpected(rows.error());
    }
    for (int row = 0; row < rows->size(); ++row) {
      builder_.AddValue(dimension, rows->Text(row, 0), {0, rows->Int(row, 1), rows->Int(row, 2)});
    }
    return {};
  }

  Connection& connection_;
  const std::string& own_cluster_;
  const base::Until& until_;
  SummaryBuilder builder_;
};

}  // namespace

Outcome<Summary> Summarise(Connection& connection, const Filter& filter, const std::string& own_cluster, const base::Until& until) {
  return Summariser(connection, own_cluster, until).Run(filter);
}

}  // namespace audit::postgresql
