#include "cli/explain.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/table.h"
#include "policy/decision.h"

namespace cli {
namespace {

constexpr std::size_t kMaxStandardInput = 64 * 1024 * 1024;  // a million references of ordinary length

constexpr std::size_t kMaxError = 1024;  // bytes of why a reference is refused

struct Question {
  std::string image;
  std::string error;  // why the line could not be taken at all, or ""
};

// A line as it stands, or the text of a JSON string, which can hold what a line cannot.
Question QuestionOfLine(std::string_view line) {
  if (!line.empty() && line.back() == '\r') {
    line.remove_suffix(1);
  }
  if (line.substr(0, 1) != "\"") {
    return {std::string(line), {}};
  }
  const base::Result<nlohmann::json> value = base::ParseJson(line, "the JSON string");
  if (!value) {
    return {std::string(line), value.error().message};
  }
  if (!value->is_string()) {
    return {std::string(line), "begins with a quotation mark but is no JSON string"};
  }
  return {value->get<std::string>(), {}};
}

std::vector<Question> QuestionsOf(std::string_view lines) {
  std::vector<Question> questions;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (!line.empty()) {
      questions.push_back(QuestionOfLine(line));
    }
  }
  return questions;
}

struct Answer {
  std::string image;
  policy::Explanation explanation;
};

std::string_view Kind(const policy::Explanation& explanation) {
  if (!explanation.error.empty()) {
    return "Invalid";
  }
  return explanation.acr ? "Acr" : "Other";
}

nlohmann::json Row(const Answer& answer) {
  const policy::Explanation& explanation = answer.explanation;
  const policy::ImageReference reference = explanation.reference.value_or(policy::ImageReference{});
  return {{"image", answer.image},
          {"valid", explanation.error.empty()},
          {"error", base::TextOrNull(explanation.error)},
          {"canonical", explanation.reference ? base::TextOrNull(reference.Canonical()) : nlohmann::json()},
          {"registry", base::TextOrNull(reference.registry)},
          {"repository", base::TextOrNull(reference.repository)},
          {"tag", base::TextOrNull(reference.tag)},
          {"digest", base::TextOrNull(reference.digest)},
          {"kind", Kind(explanation)},
          {"loginServer", base::TextOrNull(explanation.login_server)},
          {"action", explanation.action ? base::TextOrNull(policy::ToString(*explanation.action)) : nlohmann::json()}};
}

Cell ActionCell(const policy::Explanation& explanation) {
  if (!explanation.error.empty()) {
    return {"refused", Style::kBad};
  }
  if (!explanation.action) {
    return {};
  }
  std::string text(policy::ToString(*explanation.action));
  text += explanation.rule ? " (sources[" + std::to_string(*explanation.rule) + "])" : "";
  switch (*explanation.action) {
    case policy::SourceAction::kAllow:
      return {text, Style::kGood};
    case policy::SourceAction::kDeny:
      return {text, Style::kBad};
    case policy::SourceAction::kWarn:
      return {text, Style::kWarning};
    case policy::SourceAction::kAudit:
    case policy::SourceAction::kVerify:
      break;
  }
  return {text};
}

std::string Table(const std::vector<Answer>& answers, const Terminal& terminal) {
  std::vector<std::vector<Cell>> rows;
  for (const Answer& answer : answers) {
    const policy::Explanation& explanation = answer.explanation;
    const std::string meaning = !explanation.error.empty() ? "refused, see below" : explanation.reference->Canonical();
    rows.push_back({{answer.image},
                    ActionCell(explanation),
                    {std::string(Kind(explanation))},
                    {explanation.login_server.empty() ? "-" : explanation.login_server},
                    {meaning}});
  }
  std::string text = FormatTable({"IMAGE", "ACTION", "KIND", "LOGIN SERVER", "MEANS"}, rows, terminal);
  for (const Answer& answer : answers) {
    if (!answer.explanation.error.empty()) {
      text += base::Printable(answer.explanation.error, kMaxError) + '\n';
    }
  }
  return text;
}

}  // namespace

int RunExplain(const ExplainArguments& arguments, const Streams& streams, const base::Clock& clock) {
  const auto state = LoadPolicyInputs(arguments.inputs, clock);
  if (!state) {
    streams.err << base::ToString(state.error()) << '\n';
    return kExitError;
  }
  std::vector<Question> questions;
  for (const std::string& image : arguments.images) {
    if (image != "-") {
      questions.push_back({image, {}});
      continue;
    }
    const base::Result<std::string> lines = ReadFileOrStandardInput("-", streams.in, kMaxStandardInput);
    if (!lines) {
      streams.err << lines.error().ToString() << '\n';
      return kExitError;
    }
    for (Question& question : QuestionsOf(*lines)) {
      questions.push_back(std::move(question));
    }
  }

  std::vector<Answer> answers;
  answers.reserve(questions.size());
  for (const Question& question : questions) {
    Answer answer{question.image, {}};
    if (question.error.empty()) {
      answer.explanation = policy::Explain(*(*state)->policy, question.image);
    } else {
      answer.explanation.error = question.error;
    }
    answers.push_back(std::move(answer));
  }

  if (arguments.output == OutputFormat::kTable) {
    streams.out << Table(answers, streams.terminal);
    return kExitOk;
  }
  nlohmann::json rows = nlohmann::json::array();
  for (const Answer& answer : answers) {
    rows.push_back(Row(answer));
  }
  streams.out << base::DumpJson(rows, 2) << '\n';
  return kExitOk;
}

}  // namespace cli
