#include "audit/verdict_record.h"

#include <string>

#include "audit/record_parts.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/text.h"

namespace audit {
namespace {

using base::JsonWriter;

// Of one side, as JSON: both and the other texts, however they are escaped, stay below kMaxRecordBytes. What evidence there really is takes
// a tenth.
constexpr std::size_t kMaxEvidenceBytes = 16 * 1024;

// How such a record begins: both texts have one length.
constexpr std::string_view kTimeKey = R"({"time":")";
constexpr std::size_t kTimeBytes = 27;  // 2026-11-23T12:00:00.123456Z
constexpr std::string_view kUidKey = R"(","uid":")";
constexpr std::size_t kUidBytes = 36;
constexpr std::string_view kDecisionKey = R"(","decision":"VerdictChanged",)";

// A UUID of version 8 (RFC 9562: what is in it is the maker's business), by the first digits of `sha256`.
std::string UuidOf(std::string sha256) {
  constexpr std::size_t kVersion = 12;
  constexpr std::size_t kVariant = 16;
  constexpr std::size_t kDigits = 32;
  sha256.resize(kDigits);
  sha256[kVersion] = '8';
  sha256[kVariant] = 'a';
  for (const std::size_t at : {20, 16, 12, 8}) {
    sha256.insert(at, 1, '-');
  }
  return sha256;
}

std::string UidOf(const policy::VerdictChange& change) {
  std::string text;
  const auto add = [&](std::string_view part) { text.append(part).push_back('\n'); };
  const auto add_side = [&](const policy::RegistryFacts* facts, const policy::Finding& finding) {
    add(policy::ToString(finding.result));
    add(facts == nullptr ? std::string() : base::FormatTime(facts->observed()));
    const bool by_azure = facts != nullptr && facts->states != nullptr && finding.source == policy::FindingSource::kAzurePolicy;
    add(by_azure ? base::FormatTime(facts->states->asked) : std::string());
  };
  add(change.before->registry.login_server);
  add(base::AsciiLower(change.before->registry.resource_id));
  add(change.to->requirement);
  add(change.to->rule);
  add_side(change.before, *change.from);
  add_side(change.after, *change.to);
  const std::string digest = base::Sha256(text);
  return UuidOf(digest.substr(digest.find(':') + 1));
}

// False: there was no room for all of it.
bool WriteEvidences(JsonWriter& json, const std::string& out, const policy::Finding& finding) {
  const std::size_t limit = out.size() + kMaxEvidenceBytes;
  bool all = true;
  json.Key("evidence").BeginArray();
  for (const policy::Evidence& evidence : finding.evidence) {
    std::string text;
    JsonWriter one(text);
    WriteEvidence(one, evidence);
    if (out.size() + text.size() > limit) {
      all = false;
      break;
    }
    json.Raw(text);
  }
  json.EndArray();
  return all;
}

void WriteSide(JsonWriter& json, const std::string& out, const policy::RegistryFacts* facts, const policy::Finding& finding) {
  json.BeginObject().Key("result").String(policy::ToString(finding.result)).Key("observed");
  if (facts != nullptr) {
    json.String(base::FormatTimeSeconds(facts->observed()));
  } else {
    json.Null();
  }
  const bool all = WriteEvidences(json, out, finding);
  if (!finding.reason.empty()) {
    json.Key("reason");
    WriteText(json, finding.reason, kMaxText);
  }
  WriteOpinion(json, finding, facts != nullptr ? facts->states.get() : nullptr);
  if (!all) {
    json.Key("evidenceOmitted").Bool(true);
  }
  json.EndObject();
}

}  // namespace

Record MakeVerdictRecord(const policy::VerdictChange& change, const policy::Policy& policy, const ChangeContext& context) {
  const policy::Registry& registry = change.before->registry;
  Record record;
  record.time = context.time;
  record.uid = UidOf(change);
  record.decision = std::nullopt;
  const std::string login_server = Clipped(registry.login_server, kMaxName);
  record.registries = " " + login_server + " ";

  std::string& out = record.json;
  JsonWriter json(out);
  json.BeginObject().Key("time").String(base::FormatTime(context.time)).Key("uid").String(record.uid);
  json.Key("decision").String(kVerdictChanged).Key("registry").String(login_server).Key("resourceId");
  WriteTextOrNull(json, registry.resource_id, kMaxText);
  json.Key("requirement");
  WriteText(json, change.to->requirement, kMaxName);
  json.Key("definitionId");
  WriteTextOrNull(json, change.to->definition_id, kMaxText);
  json.Key("effect").String(policy::ToString(change.to->effect)).Key("before");
  WriteSide(json, out, change.before, *change.from);
  json.Key("after");
  WriteSide(json, out, change.after, *change.to);
  WriteOrigin(json, policy.digest, context.cluster, context.replica);
  if (!change.to->rule.empty()) {
    json.Key("rule").String(ShortRule(change.to->rule));
  }
  json.EndObject();
  return record;
}

bool IsVerdictChange(std::string_view record) {
  constexpr std::size_t kUid = kTimeKey.size() + kTimeBytes;
  constexpr std::size_t kDecision = kUid + kUidKey.size() + kUidBytes;
  return record.size() > kDecision && record.starts_with(kTimeKey) && record.substr(kUid).starts_with(kUidKey) &&
         record.substr(kDecision).starts_with(kDecisionKey);
}

}  // namespace audit
