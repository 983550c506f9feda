#include "state/saved_inventory.h"

#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/json_writer.h"

namespace state {
namespace {

namespace ondemand = simdjson::ondemand;

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

// Each takes a value that is of its kind; else false.
bool Take(ondemand::value value, std::string* out) {
  std::string_view text;
  if (value.get_string().get(text) != simdjson::SUCCESS) {
    return false;
  }
  *out = text;
  return true;
}

bool Take(ondemand::value value, base::Time* out) {
  std::string text;
  const auto time = Take(value, &text) ? base::ParseTime(text) : std::nullopt;
  *out = time.value_or(base::Time{});
  return time.has_value();
}

// Hands over each member, in the text's order. False where it is no object, and as soon as a member is refused.
template <class TakeMember>
bool ForEachMember(ondemand::value value, const TakeMember& take) {
  ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS) {
    return false;
  }
  for (auto member : object) {
    std::string_view key;
    ondemand::value of;
    if (member.unescaped_key().get(key) != simdjson::SUCCESS || member.value().get(of) != simdjson::SUCCESS || !take(key, of)) {
      return false;
    }
  }
  return true;
}

// A line that is one object. Behind it stands what the parser may look at beyond its end: the checksum's line at least.
template <class TakeMember>
bool ReadLine(ondemand::parser& parser, std::string_view line, const TakeMember& take) {
  ondemand::document document;
  ondemand::value object;
  return parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) == simdjson::SUCCESS &&
         document.get_value().get(object) == simdjson::SUCCESS && ForEachMember(object, take) &&
         document.current_location().error() == simdjson::OUT_OF_BOUNDS;  // nothing follows
}

bool ReadChildren(ondemand::value kinds, base::Time now, policy::Registry* registry) {
  auto lists = std::make_shared<policy::ChildLists>();
  const bool read_all = ForEachMember(kinds, [&](std::string_view kind, ondemand::value list) {
    policy::ChildList& read = (*lists)[std::string(kind)];
    bool has_time = false;
    const bool is_list = ForEachMember(list, [&](std::string_view key, ondemand::value value) {
      if (key == "observed") {
        has_time = Take(value, &read.observed);
        return has_time;
      }
      ondemand::array resources;
      std::string_view json;
      if (key != "resources" || value.get_array().get(resources) != simdjson::SUCCESS ||
          resources.raw_json().get(json) != simdjson::SUCCESS) {
        return false;
      }
      read.resources = json;
      return true;
    });
    read.observed = std::min(read.observed, now);
    return is_list && has_time && !read.resources.empty();
  });
  registry->children = std::move(lists);
  return read_all;
}

bool ReadLastCompliant(ondemand::value met, base::Time now, policy::Verdict* verdict) {
  return ForEachMember(met, [&](std::string_view requirement, ondemand::value value) {
    policy::Finding& finding = verdict->emplace_back();
    finding.requirement = requirement;
    base::Time time;
    std::string rule;
    bool has_time = false;
    const bool read = ForEachMember(value, [&](std::string_view key, ondemand::value part) {
      has_time = has_time || key == "time";
      return key == "time" ? Take(part, &time) : key == "rule" && Take(part, &rule);
    });
    finding.rule = std::move(rule);
    if (time <= now) {
      finding.last_compliant = time;
    }
    return read && has_time && !finding.rule.empty();
  });
}

bool TakeBody(ondemand::value value, policy::RegistryBody* out) {
  ondemand::object object;
  std::string_view json;
  if (value.get_object().get(object) != simdjson::SUCCESS || object.raw_json().get(json) != simdjson::SUCCESS) {
    return false;
  }
  *out = json;
  return true;
}

// What was written by a clock that ran ahead is not younger than now, and no memory of the future is kept. A body is taken as it stands,
// and read when it is judged.
bool ReadRegistry(ondemand::parser& parser, std::string_view line, base::Time now, policy::RegistryFacts* facts) {
  policy::Registry& registry = facts->registry;
  std::size_t found = 0;
  const bool read = ReadLine(parser, line, [&](std::string_view key, ondemand::value value) {
    ++found;
    if (key == "loginServer") {
      return Take(value, &registry.login_server);
    }
    if (key == "name") {
      return Take(value, &registry.name);
    }
    if (key == "resourceId") {
      return Take(value, &registry.resource_id);
    }
    if (key == "observed") {
      return Take(value, &registry.observed);
    }
    if (key == "lastCompliant") {
      return ReadLastCompliant(value, now, &facts->verdict);
    }
    if (key == "body") {
      return TakeBody(value, &registry.body);
    }
    --found;
    return key != "children" || ReadChildren(value, now, &registry);  // which earlier inventories do not have
  });
  registry.observed = std::min(registry.observed, now);
  return read && found == 6;
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
  ondemand::parser parser;
  std::string_view line;
  std::string format;
  std::int64_t version = 0;
  SavedInventory saved;  // earlier ones, which do not say whether they are complete, are
  if (!TakeLine(text, &line) ||
      !ReadLine(parser, line,
                [&](std::string_view key, ondemand::value value) {
                  return key == "format"    ? Take(value, &format)
                         : key == "version" ? value.get_int64().get(version) == simdjson::SUCCESS
                                            : key != "complete" || value.get_bool().get(saved.complete) == simdjson::SUCCESS;
                }) ||
      format != kFormat) {
    return Damaged(source, 1, "its header is missing");
  }
  if (version != kVersion) {
    return Damaged(source, 1, "it has version " + std::to_string(version) + ", this program reads version " + std::to_string(kVersion));
  }
  for (std::size_t number = 2; TakeLine(text, &line); ++number) {
    auto registry = std::make_shared<policy::RegistryFacts>();
    if (!ReadRegistry(parser, line, now, registry.get())) {
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
