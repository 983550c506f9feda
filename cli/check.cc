#include "cli/check.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "cli/manifest.h"
#include "policy/admission.h"
#include "policy/decision.h"
#include "webhook/review_decoder.h"

namespace cli {
namespace {

constexpr std::size_t kMaxText = 1024;  // of a name in a table

// What is said about one object. Texts, not views: the admission is gone when they are shown.
struct Checked {
  std::string file;
  std::size_t document = 0;
  std::string kind;
  std::string namespace_name;
  std::string name;
  policy::DecisionKind decision = policy::DecisionKind::kAllowed;
  nlohmann::json images;
  nlohmann::json images_omitted;   // null, or what the record has no room for
  nlohmann::json failure;          // null, or why the object was not understood
  std::vector<std::string> lines;  // what whoever applies it would read
};

std::vector<std::string> LinesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    lines.emplace_back(line);
  }
  return lines;
}

Checked Decide(const ManifestObject& object, const policy::Admission& admission, const state::State& state, base::Time now) {
  const policy::Policy& policy = *state.policy;
  const policy::Decision decision = policy::Decide(policy, state.facts, admission, now);
  Checked checked;
  checked.file = object.file;
  checked.document = object.document;
  checked.kind = std::string(admission.kind);
  checked.namespace_name = std::string(admission.namespace_name);
  checked.name = std::string(admission.name);
  checked.decision = decision.kind;
  // The very record that the webhook would write, so that the two never tell a different story.
  audit::RequestContext context;
  context.time = now;
  const audit::Record record = audit::MakeRecord(admission, decision, policy, context);
  if (base::Result<nlohmann::json> written = base::ParseJson(record.json, "record")) {
    checked.images = std::move((*written)["images"]);
    checked.failure = std::move((*written)["failure"]);
    checked.images_omitted = written->value("imagesOmitted", nlohmann::json());
  }
  if (decision.kind == policy::DecisionKind::kDenied) {
    checked.lines = LinesOf(policy::DenialMessage(decision, admission, policy, now));
    // A manifest's decision has no record that could be looked up.
    std::erase_if(checked.lines, [](const std::string& line) { return line.starts_with("audit uid "); });
  }
  for (std::string& warning : policy::Warnings(decision, admission, policy, now)) {
    checked.lines.push_back("Warning: " + std::move(warning));
  }
  return checked;
}

Style StyleOf(policy::DecisionKind kind) {
  switch (kind) {
    case policy::DecisionKind::kAllowed:
      return Style::kGood;
    case policy::DecisionKind::kWarned:
      return Style::kWarning;
    case policy::DecisionKind::kDenied:
      return Style::kBad;
  }
  return Style::kPlain;
}

void WriteTable(const std::vector<Checked>& objects, const Terminal& terminal, std::ostream& out) {
  const auto shown = [](std::string_view text) { return base::Printable(text, kMaxText); };
  for (const Checked& object : objects) {
    out << Styled(terminal, StyleOf(object.decision), policy::ToString(object.decision)) << "  " << shown(object.kind) << ' '
        << shown(object.namespace_name) << '/' << shown(object.name) << "  "
        << Styled(terminal, Style::kFaint, shown(object.file) + "#" + std::to_string(object.document)) << '\n';
    for (const std::string& line : object.lines) {
      out << "  " << line << '\n';
    }
  }
  if (objects.empty()) {
    out << "nothing that the webhook is asked about: no Pod, and no workload of v1, apps or batch\n";
  }
}

void WriteJson(const std::vector<Checked>& objects, policy::DecisionKind decision, std::ostream& out) {
  nlohmann::json rows = nlohmann::json::array();
  for (const Checked& object : objects) {
    nlohmann::json row = {{"file", object.file},     {"document", object.document},
                          {"kind", object.kind},     {"namespace", object.namespace_name},
                          {"name", object.name},     {"decision", policy::ToString(object.decision)},
                          {"images", object.images}, {"failure", object.failure}};
    if (!object.images_omitted.is_null()) {
      row["imagesOmitted"] = object.images_omitted;
    }
    rows.push_back(std::move(row));
  }
  out << base::DumpJson({{"decision", policy::ToString(decision)}, {"objects", std::move(rows)}}, 2) << '\n';
}

// All objects of all files, or every reason why some could not be read.
base::Loaded<std::vector<ManifestObject>> ReadAll(const std::vector<std::string>& files, std::istream& in) {
  std::vector<ManifestObject> objects;
  base::Problems problems;
  for (const std::string& file : files) {
    const base::Result<std::string> text = ReadFileOrStandardInput(file, in, kMaxManifestBytes);
    if (!text) {
      // The message names the file.
      problems.push_back({"check", 0, 0, text.error().ToString()});
      continue;
    }
    base::Loaded<std::vector<ManifestObject>> read = ReadManifest(*text, file == "-" ? "standard input" : file);
    if (!read) {
      problems.insert(problems.end(), read.error().begin(), read.error().end());
      continue;
    }
    std::move(read->begin(), read->end(), std::back_inserter(objects));
  }
  if (!problems.empty()) {
    return tl::unexpected(std::move(problems));
  }
  return objects;
}

int Fail(const base::Problems& problems, std::ostream& err) {
  err << base::ToString(problems) << '\n';
  return kExitError;
}

}  // namespace

int RunCheck(const CheckArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment) {
  const auto state = LoadInputs(arguments.inputs, streams, clock, environment);
  if (!state) {
    return Fail(state.error(), streams.err);
  }
  if (!(*state)->primed) {
    streams.err << kNoInventoryNote;
  }
  const base::Loaded<std::vector<ManifestObject>> manifests = ReadAll(arguments.files, streams.in);
  if (!manifests) {
    return Fail(manifests.error(), streams.err);
  }

  std::vector<Checked> objects;
  base::Problems problems;
  policy::DecisionKind worst = policy::DecisionKind::kAllowed;
  webhook::ReviewDecoder decoder;
  for (const ManifestObject& manifest : *manifests) {
    if (!CarriesImages(manifest.object)) {
      continue;
    }
    std::string review = ReviewText(manifest, arguments.namespace_name);
    const base::Result<policy::Admission> admission = decoder.Decode(review);
    if (!admission) {
      problems.push_back({manifest.file, 0, 0, "document " + std::to_string(manifest.document) + ": " + admission.error().ToString()});
      continue;
    }
    if (!admission->NothingToDecide()) {
      objects.push_back(Decide(manifest, *admission, **state, clock.Now()));
      worst = std::max(worst, objects.back().decision);
    }
  }
  if (!problems.empty()) {
    return Fail(problems, streams.err);
  }

  if (arguments.output == OutputFormat::kJson) {
    WriteJson(objects, worst, streams.out);
  } else {
    WriteTable(objects, streams.terminal, streams.out);
  }
  return worst == policy::DecisionKind::kDenied ? kExitDenied : kExitOk;
}

}  // namespace cli
