#include "state/saved_inventory.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/json_writer.h"

namespace state {
namespace {

namespace dom = simdjson::dom;

constexpr std::string_view kFormat = "acr-admission inventory";
constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMaxSavedChildren = std::size_t{1} << 20;  // bytes of one registry's: its body has 10 KiB at most
constexpr std::string_view kChecksum = "{\"checksum\":\"";

tl::unexpected<base::Error> Damaged(std::string_view source, std::size_t line, std::string_view what) {
  return base::Fail(base::ErrorCode::kInvalidArgument,
                    std::string(source) + ":" + std::to_string(line) + ": the saved inventory is damaged: " + std::string(what),
                    "it is not used; the inventory's source will fill it again");
}

// Those that were read, unless they are so many that they are better read again.
void WriteChildren(const policy::ChildLists& lists, base::JsonWriter& json) {
  std::size_t bytes = 0;
  json.Key("children").BeginObject();
  for (const auto& [kind, list] : lists) {
    if (!list.problem.empty() || list.resources.empty() || bytes + list.resources.size() > kMaxSavedChildren) {
      continue;
    }
    bytes += list.resources.size();
    json.Key(kind).BeginObject().Key("observed").String(base::FormatTime(list.observed));
    json.Key("resources").Raw(list.resources).EndObject();
  }
  json.EndObject();
}

void WriteRegistry(const policy::RegistryFacts& facts, std::string& out) {
  const policy::Registry& registry = facts.registry;
  base::JsonWriter json(out);
  json.BeginObject();
  json.Key("loginServer").String(registry.login_server);
  json.Key("name").String(registry.name);
  json.Key("resourceId").String(registry.resource_id);
  json.Key("observed").String(base::FormatTime(registry.observed));
  json.Key("lastCompliant").BeginObject();
  for (const policy::Finding& finding : facts.verdict) {
    if (finding.last_compliant) {
      json.Key(finding.requirement).BeginObject();
      json.Key("time").String(base::FormatTime(*finding.last_compliant)).Key("rule").String(finding.rule).EndObject();
    }
  }
  json.EndObject();
  json.Key("body").Raw(registry.body.Text());
  if (registry.children != nullptr) {
    WriteChildren(*registry.children, json);
  }
  json.EndObject();
  out += '\n';
}

// Takes a line without its newline off the front of `text`; false when there is no whole one.
bool TakeLine(std::string_view& text, std::string_view* line) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) {
    return false;
  }
  *line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return true;
}

bool TakeText(const dom::object& object, std::string_view key, std::string* out) {
  std::string_view text;
  if (object.at_key(key).get(text) != simdjson::SUCCESS) {
    return false;
  }
  *out = text;
  return true;
}

bool TakeTime(const dom::object& object, std::string_view key, base::Time* out) {
  std::string text;
  if (!TakeText(object, key, &text)) {
    return false;
  }
  const auto time = base::ParseTime(text);
  *out = time.value_or(base::Time{});
  return time.has_value();
}

// Earlier inventories have no children.
bool ReadChildren(const dom::object& object, base::Time now, policy::Registry* registry) {
  dom::element member;
  if (object.at_key("children").get(member) != simdjson::SUCCESS) {
    return true;
  }
  dom::object kinds;
  if (member.get(kinds) != simdjson::SUCCESS) {
    return false;
  }
  auto lists = std::make_shared<policy::ChildLists>();
  for (const auto field : kinds) {
    dom::object list;
    dom::array resources;
    policy::ChildList read;
    if (field.value.get(list) != simdjson::SUCCESS || !TakeTime(list, "observed", &read.observed) ||
        list.at_key("resources").get(resources) != simdjson::SUCCESS) {
      return false;
    }
    read.observed = std::min(read.observed, now);
    read.resources = simdjson::minify(resources);
    lists->emplace(field.key, std::move(read));
  }
  registry->children = std::move(lists);
  return true;
}

// What was written by a clock that ran ahead is not younger than now, and no memory of the future is kept.
bool ReadRegistry(const dom::object& object, base::Time now, policy::RegistryFacts* facts) {
  policy::Registry& registry = facts->registry;
  dom::object last_compliant;
  dom::object body;
  if (!TakeText(object, "loginServer", &registry.login_server) || !TakeText(object, "name", &registry.name) ||
      !TakeText(object, "resourceId", &registry.resource_id) || !TakeTime(object, "observed", &registry.observed) ||
      object.at_key("lastCompliant").get(last_compliant) != simdjson::SUCCESS || object.at_key("body").get(body) != simdjson::SUCCESS) {
    return false;
  }
  for (const auto field : last_compliant) {
    policy::Finding& finding = facts->verdict.emplace_back();
    finding.requirement = field.key;
    dom::object met;
    base::Time time;
    std::string rule;
    if (field.value.get(met) != simdjson::SUCCESS || !TakeTime(met, "time", &time) || !TakeText(met, "rule", &rule)) {
      return false;
    }
    finding.rule = std::move(rule);
    if (time <= now) {
      finding.last_compliant = time;
    }
  }
  registry.observed = std::min(registry.observed, now);
  registry.body = policy::RegistryBody(simdjson::minify(body));
  return ReadChildren(object, now, &registry);
}

}  // namespace

base::Time MeanObserved(const policy::Facts& facts) {
  base::Time mean{};
  std::int64_t seen = 0;
  for (const auto& [login_server, known] : facts) {
    mean += (known->registry.observed - mean) / ++seen;  // a sum of microseconds would overflow
  }
  return mean;
}

bool IsBetter(const SavedInventory& a, const SavedInventory& b) {
  return a.complete == b.complete ? MeanObserved(a.facts) > MeanObserved(b.facts) : a.complete;
}

std::string WriteSavedInventory(const policy::Facts& facts, bool complete, base::Time now) {
  std::string text;
  base::JsonWriter(text)
      .BeginObject()
      .Key("format")
      .String(kFormat)
      .Key("version")
      .Int(kVersion)
      .Key("saved")
      .String(base::FormatTime(now))
      .Key("complete")
      .Bool(complete)
      .EndObject();
  text += '\n';
  for (const auto& registry : facts.Sorted()) {
    WriteRegistry(*registry, text);
  }
  const std::string checksum = base::Sha256(text);
  return text.append(kChecksum).append(checksum).append("\"}\n");
}

base::Result<SavedInventory> ReadSavedInventory(std::string_view text, std::string_view source, base::Time now) {
  const std::size_t checksum = text.rfind(kChecksum);
  if (checksum == std::string_view::npos ||
      text.substr(checksum) != std::string(kChecksum) + base::Sha256(text.substr(0, checksum)) + "\"}\n") {
    return Damaged(source, 1, "its checksum does not fit its content");
  }
  text = text.substr(0, checksum);
  dom::parser parser;
  std::string_view line;
  dom::object object;
  std::string_view format;
  std::int64_t version = 0;
  if (!TakeLine(text, &line) || parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS ||
      object.at_key("format").get(format) != simdjson::SUCCESS || format != kFormat ||
      object.at_key("version").get(version) != simdjson::SUCCESS) {
    return Damaged(source, 1, "its header is missing");
  }
  if (version != kVersion) {
    return Damaged(source, 1, "it has version " + std::to_string(version) + ", this program reads version " + std::to_string(kVersion));
  }
  SavedInventory saved;
  if (object.at_key("complete").get(saved.complete) == simdjson::INCORRECT_TYPE) {  // earlier ones, without it, are whole
    return Damaged(source, 1, "its header does not say whether it is complete");
  }
  for (std::size_t number = 2; TakeLine(text, &line); ++number) {
    auto registry = std::make_shared<policy::RegistryFacts>();
    if (parser.parse(line.data(), line.size()).get(object) != simdjson::SUCCESS || !ReadRegistry(object, now, registry.get())) {
      return Damaged(source, number, "this line holds no registry");
    }
    saved.facts.Add(std::move(registry));
  }
  if (!text.empty()) {
    return Damaged(source, 1, "its last line is cut");
  }
  return saved;
}

}  // namespace state
