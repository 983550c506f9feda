#include "cli/audit_rows.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "audit/record.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/local_time.h"

namespace cli {
namespace {

using base::ArrayAt;
using base::TextAt;
using nlohmann::json;

constexpr std::size_t kMaxCellBytes = 4096;  // wider than any terminal
constexpr std::string_view kArrow = "→";

// 0: nothing. What is compliant weighs nothing whatever its requirement asks for.
int Weight(const json& finding) {
  constexpr std::array<std::string_view, 3> kEffects = {"Audit", "Warn", "Deny"};
  if (TextAt(finding, "result") == "Compliant") {
    return 0;
  }
  const auto* effect = std::find(kEffects.begin(), kEffects.end(), TextAt(finding, "effect"));
  return effect == kEffects.end() ? 0 : static_cast<int>(effect - kEffects.begin()) + 1;
}

int ImageWeight(const json& image) {
  int weight = 0;
  for (const json& finding : ArrayAt(image, "findings")) {
    weight = std::max(weight, Weight(finding));
  }
  return weight;
}

std::string WhyOf(const json& image) {
  const int weight = ImageWeight(image);
  std::string why;
  if (weight == 0) {
    return why;
  }
  for (const json& finding : ArrayAt(image, "findings")) {
    if (Weight(finding) == weight) {
      why += why.empty() ? "" : ", ";
      why += TextAt(finding, "requirement");
      why += TextAt(finding, "result") == "Unknown" ? " (Unknown)" : "";
    }
  }
  return why;
}

std::string LocalTime(const std::string& recorded) {
  const auto time = base::ParseTime(recorded);
  return time ? FormatLocalTime(*time) : recorded;
}

std::string DecisionText(const AuditRow& row) { return row.decision + (row.dry_run ? ", dry run" : ""); }

std::string NameText(const AuditRow& row) { return row.namespace_name.empty() ? row.name : row.namespace_name + "/" + row.name; }

// "kube-system:replicaset-controller": most users are service accounts, and the words before tell nothing.
std::string UserText(const AuditRow& row) {
  constexpr std::string_view kPrefix = "system:serviceaccount:";
  return row.user.rfind(kPrefix, 0) == 0 ? row.user.substr(kPrefix.size()) : row.user;
}

std::string ImageText(const AuditRow& row) {
  if (row.images.empty()) {
    return row.registry;
  }
  return row.images.front() + (row.images.size() > 1 ? " +" + std::to_string(row.images.size() - 1) : "");
}

// The registry stands beside it. Without UTF-8 the arrow is none.
std::string WhyText(const AuditRow& row, const Terminal& terminal) {
  if (row.change.empty()) {
    return row.why;
  }
  std::string change = row.change;
  if (const std::size_t arrow = change.find(kArrow); !terminal.unicode && arrow != std::string::npos) {
    change.replace(arrow, kArrow.size(), "->");
  }
  return row.requirement + ": " + change;
}

Style StyleOf(const AuditRow& row) {
  if (!row.change.empty()) {
    return row.change.find(std::string(kArrow) + " Compliant") != std::string::npos ? Style::kGood : Style::kWarning;
  }
  if (row.decision == "Denied") {
    return Style::kBad;
  }
  return row.decision == "Warned" ? Style::kWarning : Style::kGood;
}

struct Column {
  const char* heading;
  std::size_t width;  // of AuditLine; the last column takes what is left
};
constexpr std::array<Column, 6> kColumns = {
    {{"TIME", 19}, {"DECISION", 15}, {"NAMESPACE/NAME", 30}, {"USER", 24}, {"IMAGE", 44}, {"WHY", 24}}};

std::array<std::string, kColumns.size()> TextsOf(const AuditRow& row, const Terminal& terminal) {
  return {LocalTime(row.time), DecisionText(row), NameText(row), UserText(row), ImageText(row), WhyText(row, terminal)};
}

// The widths above for a terminal of their sum; narrower ones cut the four texts alike.
std::array<std::size_t, kColumns.size()> LineWidths(const Terminal& terminal) {
  constexpr std::size_t kFixed = 2;  // time and decision are never cut
  constexpr std::size_t kGaps = 2 * (kColumns.size() - 1);
  constexpr std::size_t kLeast = 6;
  std::array<std::size_t, kColumns.size()> widths{};
  std::size_t taken = kGaps;
  std::size_t wanted = 0;
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    widths[i] = kColumns[i].width;
    (i < kFixed ? taken : wanted) += kColumns[i].width;
  }
  const auto width = static_cast<std::size_t>(std::max(terminal.width, 0));
  const std::size_t room = width > taken ? width - taken : 0;
  for (std::size_t i = kFixed; i < kColumns.size(); ++i) {
    widths[i] = std::max(kLeast, kColumns[i].width * room / wanted);
  }
  return widths;
}

std::string Line(const std::array<std::string, kColumns.size()>& texts, const std::array<Style, kColumns.size()>& styles,
                 const Terminal& terminal) {
  const auto widths = LineWidths(terminal);
  std::string line;
  std::size_t padding = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = FitText(base::Printable(texts[i], kMaxCellBytes), widths[i]);
    if (!text.empty()) {
      line.append(padding, ' ');
      padding = 0;
      line += Styled(terminal, styles[i], text);
    }
    padding += widths[i] - TextWidth(text) + 2;
  }
  return line + "\n";
}

// As AuditRow::change. `record` is an object.
std::string DescribeChange(const json& record) {
  const json after = record.value("after", json());
  std::string text = TextAt(record.value("before", json()), "result") + " " + std::string(kArrow) + " " + TextAt(after, "result");
  for (const json& evidence : ArrayAt(after, "evidence")) {
    if (evidence.is_object()) {
      text += ", " + TextAt(evidence, "field") + ": " + base::DumpJson(evidence.value("actual", json())) + " (wanted " +
              TextAt(evidence, "expected") + ")";
    }
  }
  const std::string reason = TextAt(after, "reason");
  return reason.empty() ? text : text + ", " + reason;
}

void AppendField(std::string& line, std::string_view text) {
  constexpr std::string_view kFormula = "=+-@\t\r";
  const bool formula = !text.empty() && kFormula.find(text.front()) != std::string_view::npos;
  const bool quoted = text.find_first_of(",\"\r\n") != std::string_view::npos;
  line += line.empty() ? "" : ",";
  line += quoted ? "\"" : "";
  line += formula ? "'" : "";
  for (const char c : text) {
    line.append(c == '"' ? 2 : 1, c);
  }
  line += quoted ? "\"" : "";
}

}  // namespace

AuditRow ReadAuditRow(std::string_view record) {
  AuditRow row;
  const base::Result<json> parsed = base::ParseJson(record, "audit record");
  if (!parsed || !parsed->is_object()) {
    row.why = "the record cannot be read";
    return row;
  }
  row.time = TextAt(*parsed, "time");
  row.uid = TextAt(*parsed, "uid");
  row.decision = TextAt(*parsed, "decision");
  if (row.decision == audit::kVerdictChanged) {
    row.registry = TextAt(*parsed, "registry");
    row.requirement = TextAt(*parsed, "requirement");
    row.change = DescribeChange(*parsed);
    return row;
  }
  row.dry_run = parsed->value("dryRun", json()) == true;
  row.operation = TextAt(*parsed, "operation");
  row.kind = TextAt(parsed->value("resource", json()), "kind");
  row.namespace_name = TextAt(*parsed, "namespace");
  row.name = TextAt(*parsed, "name");
  row.user = TextAt(*parsed, "user");
  std::vector<std::pair<int, const json*>> images;  // by weight, then in the record's order: elements of one array
  for (const json& image : ArrayAt(*parsed, "images")) {
    images.emplace_back(-ImageWeight(image), &image);
  }
  std::sort(images.begin(), images.end());
  for (const auto& [weight, image] : images) {
    row.images.push_back(TextAt(*image, "image"));
  }
  row.why = TextAt(*parsed, "failure");
  if (row.why.empty() && !images.empty()) {
    row.why = WhyOf(*images.front().second);
  }
  return row;
}

std::string AuditTable(const std::vector<AuditRow>& rows, const Terminal& terminal) {
  std::vector<std::string> headings;
  for (const Column& column : kColumns) {
    headings.emplace_back(column.heading);
  }
  std::vector<std::vector<Cell>> cells;
  cells.reserve(rows.size());
  for (const AuditRow& row : rows) {
    std::vector<Cell> line;
    for (std::string& text : TextsOf(row, terminal)) {
      line.push_back({std::move(text)});
    }
    line[1].style = StyleOf(row);
    cells.push_back(std::move(line));
  }
  return FormatTable(headings, cells, terminal);
}

std::string AuditLineHeading(const Terminal& terminal) {
  std::array<std::string, kColumns.size()> texts;
  std::array<Style, kColumns.size()> styles;
  for (std::size_t i = 0; i < kColumns.size(); ++i) {
    texts[i] = kColumns[i].heading;
    styles[i] = Style::kHeading;
  }
  return Line(texts, styles, terminal);
}

std::string AuditLine(const AuditRow& row, const Terminal& terminal) {
  std::array<Style, kColumns.size()> styles{};
  styles[1] = StyleOf(row);
  return Line(TextsOf(row, terminal), styles, terminal);
}

std::string AuditCsvHeading() { return "time,uid,decision,dryRun,operation,kind,namespace,name,user,images,why\r\n"; }

std::string AuditCsvLine(const AuditRow& row) {
  std::string images;
  for (const std::string& image : row.images) {
    images += (images.empty() ? "" : " ") + image;
  }
  const std::string why = row.change.empty() ? row.why : row.requirement + " of " + row.registry + ": " + row.change;
  std::string line = row.time;
  for (const std::string_view text :
       {std::string_view(row.uid), std::string_view(row.decision), std::string_view(row.dry_run ? "true" : "false"),
        std::string_view(row.operation), std::string_view(row.kind), std::string_view(row.namespace_name), std::string_view(row.name),
        std::string_view(row.user), std::string_view(images), std::string_view(why)}) {
    AppendField(line, text);
  }
  return line + "\r\n";
}

}  // namespace cli
