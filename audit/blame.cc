#include "audit/blame.h"

#include <simdjson.h>

#include <algorithm>

#include "policy/decision.h"

namespace audit {
namespace {

using simdjson::dom::element;

// Every denial is looked at once for the roll-ups, so that this is part of what a denial costs: without a tree of its own.
std::string_view TextAt(const element& object, std::string_view key) {
  std::string_view text;
  return object.at_key(key).get(text) == simdjson::SUCCESS ? text : std::string_view();
}

template <class Take>
void ForEachOf(const element& object, std::string_view key, const Take& take) {
  simdjson::dom::array array;
  if (object.at_key(key).get(array) == simdjson::SUCCESS) {
    std::for_each(array.begin(), array.end(), take);
  }
}

void AddOnce(std::vector<std::string>& values, std::string_view value) {
  if (!value.empty() && std::ranges::find(values, value) == values.end()) {
    values.emplace_back(value);
  }
}

}  // namespace

Blame BlameOf(std::string_view record) {
  Blame blame;
  simdjson::dom::parser parser;
  element root;
  if (parser.parse(record.data(), record.size()).get(root) != simdjson::SUCCESS) {
    return blame;
  }
  const std::string_view decision = TextAt(root, "decision");
  const std::string_view effect = decision == "Denied" ? "Deny" : decision == "Warned" ? "Warn" : "";
  if (effect.empty()) {
    return blame;
  }
  ForEachOf(root, "images", [&](const element& image) {
    ForEachOf(image, "findings", [&](const element& finding) {
      if (TextAt(finding, "effect") == effect && TextAt(finding, "result") != "Compliant") {
        AddOnce(blame.requirements, TextAt(finding, "requirement"));
        AddOnce(blame.registries, TextAt(image, "registry"));
      }
    });
  });
  if (!TextAt(root, "failure").empty()) {
    AddOnce(blame.requirements, policy::kNotUnderstood);
  }
  return blame;
}

}  // namespace audit
