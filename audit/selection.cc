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
    if (const auto behind = BehindAll(*beginning)) {
      Add(column + " >= ", std::string(*beginning));
      Add(column + " < ", *behind);
    }
  }

 private:
  Selection& selection_;
  const char* join_ = " WHERE ";
};

bool IsNotAllowed(const Filter& filter) { return filter.decision == "Denied" || filter.decision == "Warned"; }

const char* SourceOf(Way way) {
  switch (way) {
    case Way::kRows:
      return "decision NOT INDEXED";
    case Way::kUid:
      return "decision INDEXED BY decision_by_uid";
    case Way::kDecision:
      return "decision INDEXED BY decision_not_allowed";
  }
  return "";
}

}  // namespace

Way WayFor(const Filter& filter) {
  if (!filter.uid.empty()) {
    return Way::kUid;
  }
  return IsNotAllowed(filter) ? Way::kDecision : Way::kRows;
}

Selection Select(std::string_view columns, const Filter& filter, Way way, const IdRange& ids) {
  Selection selection;
  selection.sql.append("SELECT ").append(columns).append(" FROM ").append(SourceOf(way));
  Clauses clauses(selection);
  clauses.Add("id >= ", ids.first);
  clauses.Add("id <= ", ids.last);
  if (way == Way::kDecision) {
    clauses.Add("decision <> 'Allowed'");  // makes the partial index usable
  }
  if (filter.since) {
    clauses.Add("time >= ", filter.since->time_since_epoch().count());
  }
  if (filter.until) {
    clauses.Add("time < ", filter.until->time_since_epoch().count());
  }
  if (!filter.decision.empty()) {
    clauses.Add("decision = ", filter.decision);
  }
  clauses.AddText("namespace", filter.namespace_name);
  clauses.AddText("user", filter.user);
  if (!filter.uid.empty()) {
    clauses.Add("uid = ", filter.uid);
  }
  if (!filter.registry.empty()) {
    // Each stands between spaces: without the one behind it, what it begins with is enough.
    const std::string registry = base::AsciiLower(filter.registry);
    const auto beginning = BeginningOf(registry);
    clauses.Add("instr(registries, ", beginning ? " " + std::string(*beginning) : " " + registry + " ", ") > 0");
  }
  if (!filter.image.empty()) {
    clauses.Add("EXISTS (SELECT 1 FROM json_each(record, '$.images') WHERE image_glob(", filter.image, ", value ->> '$.image'))");
  }
  return selection;
}

void OrderAndLimit(Selection& selection, Order order, std::int64_t limit) {
  selection.values.emplace_back(limit);
  selection.sql.append(order == Order::kNewestFirst ? " ORDER BY id DESC LIMIT ?" : " ORDER BY id LIMIT ?");
  selection.sql += std::to_string(selection.values.size());
}

}  // namespace audit
