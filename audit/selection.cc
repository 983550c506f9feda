#include "audit/selection.h"

#include <optional>
#include <utility>

#include "base/text.h"

namespace audit {
namespace {

// "shop*": what the text must begin with; nothing when it must be the whole.
std::optional<std::string_view> BeginningOf(std::string_view text) {
  return text.ends_with('*') ? std::optional(text.substr(0, text.size() - 1)) : std::nullopt;
}

// The smallest text that is greater than all that begin so, by bytes as SQLite compares; nothing: there is none.
std::optional<std::string> BehindAll(std::string_view beginning) {
  std::string text(beginning);
  while (!text.empty() && text.back() == '\xff') {
    text.pop_back();
  }
  if (text.empty()) {
    return std::nullopt;
  }
  text.back() = static_cast<char>(static_cast<unsigned char>(text.back()) + 1);
  return text;
}

// The clauses are fixed texts; every value is a parameter.
class Clauses {
 public:
  explicit Clauses(Selection& selection) : selection_(selection) {}

  void Add(std::string_view text) { selection_.sql.append(std::exchange(join_, " AND ")).append(text); }
  void Add(std::string_view before, std::variant<std::int64_t, std::string> value, std::string_view behind = {}) {
    selection_.values.push_back(std::move(value));
    Add(before);
    selection_.sql.append("?").append(std::to_string(selection_.values.size())).append(behind);
  }
  // Nothing for "" and for "*".
  void AddText(const std::string& column, const std::string& wanted) {
    const auto beginning = BeginningOf(wanted);
    if (!beginning) {
      if (!wanted.empty()) {
        Add(column + " = ", wanted);
      }
      return;
    }
    if (!beginning->empty()) {
      Add(column + " >= ", std::string(*beginning));
    }
    if (const auto behind = BehindAll(*beginning)) {
      Add(column + " < ", *behind);
    }
  }
  void AddIds(const std::string& column, const IdRange& ids) {
    Add(column + " >= ", ids.first);
    Add(column + " <= ", ids.last);
  }
  // For a statement within the statement, whose clauses begin anew. Behind it those of the outer one go on.
  void Begin() { join_ = " WHERE "; }
  // Behind clauses that the text has already.
  void GoOn() { join_ = " AND "; }

 private:
  Selection& selection_;
  const char* join_ = " WHERE ";
};

constexpr const char* kNotAllowed = "decision <> 'Allowed'";  // makes the partial indexes usable

bool IsNotAllowed(const Filter& filter) { return !filter.decision.empty() && filter.decision != "Allowed"; }

std::string TextOf(Way way, const Filter& filter) {
  switch (way) {
    case Way::kUid:
      return filter.uid;
    case Way::kNamespace:
      return filter.namespace_name;
    case Way::kRegistry:
      return base::AsciiLower(filter.registry);
    case Way::kUser:
      return filter.user;
    case Way::kRows:
    case Way::kDecision:
      break;
  }
  return {};
}

// The ids of rows on that way, from its index alone.
void AppendIds(Selection& selection, Clauses& clauses, const Filter& filter, Way way, const IdRange& ids) {
  const bool registry = way == Way::kRegistry;
  const char* const index = way == Way::kNamespace ? "decision INDEXED BY decision_by_namespace" : "decision INDEXED BY decision_by_user";
  selection.sql.append("SELECT id FROM ").append(registry ? "decision_registry" : index);
  clauses.Begin();
  if (!registry) {
    clauses.Add(kNotAllowed);
  }
  clauses.Add("decision = ", filter.decision);
  clauses.AddText(registry ? "registry" : way == Way::kNamespace ? "namespace" : "user", TextOf(way, filter));
  clauses.AddIds("id", ids);
}

const char* SourceOf(Way way) {
  switch (way) {
    case Way::kRows:
      return "decision AS d NOT INDEXED";
    case Way::kUid:
      return "decision AS d INDEXED BY decision_by_uid";
    case Way::kDecision:
      return "decision AS d INDEXED BY decision_not_allowed";
    case Way::kNamespace:
      return "decision AS d INDEXED BY decision_by_namespace";
    case Way::kRegistry:
      return "decision_registry AS r CROSS JOIN decision AS d ON d.id = r.id";
    case Way::kUser:
      return "decision AS d INDEXED BY decision_by_user";
  }
  return "";
}

void AddIndexClauses(Selection& selection, Clauses& clauses, const Filter& filter, Way way, const IdRange& ids) {
  if (Gathers(way, filter)) {
    selection.sql.append("decision AS d NOT INDEXED");
    clauses.Add("d.id IN (");
    AppendIds(selection, clauses, filter, way, ids);
    selection.sql.append(")");
    return;
  }
  selection.sql.append(SourceOf(way));
  if (way == Way::kRegistry) {
    clauses.Add("r.decision = ", filter.decision);
    clauses.Add("r.registry = ", TextOf(way, filter));
    clauses.AddIds("r.id", ids);
    return;
  }
  clauses.AddIds("d.id", ids);
  if (way != Way::kRows && way != Way::kUid) {
    clauses.Add(std::string("d.") + kNotAllowed);
  }
}

}  // namespace

bool Leads(Way way, const Filter& filter) {
  switch (way) {
    case Way::kRows:
      return true;
    case Way::kUid:
      return !filter.uid.empty();
    case Way::kDecision:
      return IsNotAllowed(filter);
    case Way::kNamespace:
    case Way::kRegistry:
    case Way::kUser:
      const std::string text = TextOf(way, filter);
      return IsNotAllowed(filter) && !text.empty() && text != "*";
  }
  return false;
}

bool Gathers(Way way, const Filter& filter) {
  const bool by_text = way == Way::kNamespace || way == Way::kRegistry || way == Way::kUser;
  return by_text && BeginningOf(TextOf(way, filter)).has_value();
}

Selection Select(std::string_view columns, const Filter& filter, Way way, const IdRange& ids) {
  Selection selection;
  selection.sql.append("SELECT ").append(columns).append(" FROM ");
  Clauses clauses(selection);
  AddIndexClauses(selection, clauses, filter, way, ids);
  if (filter.since) {
    clauses.Add("d.time >= ", filter.since->time_since_epoch().count());
  }
  if (filter.until) {
    clauses.Add("d.time < ", filter.until->time_since_epoch().count());
  }
  if (!filter.decision.empty()) {
    clauses.Add("d.decision = ", filter.decision);
  }
  clauses.AddText("d.namespace", filter.namespace_name);
  clauses.AddText("d.user", filter.user);
  if (!filter.uid.empty()) {
    clauses.Add("d.uid = ", filter.uid);
  }
  if (!filter.cluster.empty()) {
    clauses.Add("d.record ->> '$.cluster' = ", filter.cluster);
  }
  if (!filter.registry.empty()) {
    // Each stands between spaces: without the one behind it, what it begins with is enough. Also where an index led here: the row says
    // what is true.
    const std::string registry = base::AsciiLower(filter.registry);
    const auto beginning = BeginningOf(registry);
    clauses.Add("instr(d.registries, ", beginning ? " " + std::string(*beginning) : " " + registry + " ", ") > 0");
  }
  if (!filter.image.empty()) {
    clauses.Add("EXISTS (SELECT 1 FROM json_each(d.record, '$.images') WHERE image_glob(", filter.image, ", value ->> '$.image'))");
  }
  return selection;
}

void OrderAndLimit(Selection& selection, Order order, std::int64_t limit) {
  selection.values.emplace_back(limit);
  const bool joined = selection.sql.find("CROSS JOIN") != std::string::npos;
  selection.sql.append(joined ? " ORDER BY r.id" : " ORDER BY d.id").append(order == Order::kNewestFirst ? " DESC" : "");
  selection.sql.append(" LIMIT ?").append(std::to_string(selection.values.size()));
}

void AddTextClause(Selection& selection, const std::string& column, const std::string& wanted) {
  Clauses clauses(selection);
  clauses.GoOn();
  clauses.AddText(column, wanted);
}

Selection CountUpTo(const Filter& filter, Way way, const IdRange& ids, std::int64_t limit) {
  Selection selection;
  selection.sql.append("SELECT count(*) FROM (");
  Clauses clauses(selection);
  AppendIds(selection, clauses, filter, way, ids);
  selection.values.emplace_back(limit);
  selection.sql.append(" LIMIT ?").append(std::to_string(selection.values.size())).append(")");
  return selection;
}

}  // namespace audit
