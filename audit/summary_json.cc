#include "audit/summary_json.h"

#include "base/time.h"

namespace audit {
namespace {

void WriteValues(base::JsonWriter& json, const std::vector<Summary::Value>& values) {
  json.BeginArray();
  for (const Summary::Value& value : values) {
    json.BeginObject().Key("value").String(value.value);
    json.Key("warned").Int(value.counts.warned).Key("denied").Int(value.counts.denied).EndObject();
  }
  json.EndArray();
}

}  // namespace

void WriteIncomplete(base::JsonWriter& json, const std::vector<Incomplete>& incomplete) {
  json.BeginArray();
  for (const Incomplete& missing : incomplete) {
    json.BeginObject().Key("replica").String(missing.replica).Key("reason").String(missing.reason).EndObject();
  }
  json.EndArray();
}

void WriteSummary(base::JsonWriter& json, const Summary& summary) {
  json.BeginObject().Key("hours").BeginArray();
  for (const Summary::Hour& hour : summary.hours) {
    json.BeginObject().Key("begin").String(base::FormatTimeSeconds(hour.begin)).Key("allowed").Int(hour.counts.allowed);
    json.Key("warned").Int(hour.counts.warned).Key("denied").Int(hour.counts.denied).EndObject();
  }
  json.EndArray().Key("registries");
  WriteValues(json, summary.by_registry);
  json.Key("requirements");
  WriteValues(json, summary.by_requirement);
  json.Key("namespaces");
  WriteValues(json, summary.by_namespace);
  json.Key("users");
  WriteValues(json, summary.by_user);
  json.Key("incomplete");
  WriteIncomplete(json, summary.incomplete);
  json.EndObject();
}

}  // namespace audit
