#include "audit/record.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "audit/record_parts.h"
#include "base/file.h"
#include "base/json_writer.h"

namespace audit {
namespace {

using base::JsonWriter;
using policy::ImageDecision;

// Escaping makes at most six bytes of one: \u0001.
constexpr std::size_t kEscaped = 6;

// Of the JSON of an admission with few images: what is written first does not move when more is.
constexpr std::size_t kUsualBytes = 4096;

// A user of a large directory is in hundreds of groups, which must not crowd out the images.
constexpr std::size_t kMaxGroupsBytes = 8 * 1024;

// Of Record::registries: an object can name thousands.
constexpr std::size_t kMaxRegistriesBytes = 4 * 1024;

// Of a text that is the program's own.
constexpr std::size_t kMaxAddress = 64;

// As JSON. The parts of a message are printable: only its newlines and quotes take two bytes. What should turn out not to be is
// cut shorter, since a record must have room for the image that was denied.
constexpr std::size_t kMaxMessageBytes = 2 * policy::kMaxMessage;

// Of the warnings, as JSON, of which as many are written as there is room for. policy::Warnings' own are at most 16 of 120 printable bytes,
// of which quotes alone take two.
constexpr std::size_t kMaxWarningsBytes = 2 * policy::kMaxWarnings * (policy::kMaxWarning + 2);

// Of the digests of rules, as JSON: enough for eighty requirements with the built-in definitions' names.
constexpr std::size_t kMaxRulesBytes = 4 * 1024;

// Keys, punctuation and numbers behind the images, and "imagesOmitted" with its hash.
constexpr std::size_t kTailOverhead = 512;

void WriteFinding(JsonWriter& json, const policy::ImageFinding& weighed, const policy::ComplianceStates* states, bool with_evidence) {
  const policy::Finding& finding = *weighed.finding;
  json.BeginObject().Key("requirement");
  WriteText(json, finding.requirement, kMaxName);
  json.Key("result").String(policy::ToString(finding.result)).Key("effect").String(policy::ToString(weighed.effect)).Key("exemption");
  WriteTextOrNull(json, weighed.exemption, kMaxName);
  json.Key("evidence").BeginArray();
  if (with_evidence) {
    for (const policy::Evidence& evidence : finding.evidence) {
      WriteEvidence(json, evidence);
    }
  }
  json.EndArray();
  if (!finding.reason.empty()) {
    json.Key("reason");
    WriteText(json, finding.reason, kMaxText);
  }
  if (!weighed.expired_exemption.empty()) {
    json.Key("expiredExemption");
    WriteText(json, weighed.expired_exemption, kMaxName);
  }
  if (weighed.in_grace) {
    json.Key("driftGrace").Bool(true);
  }
  if (finding.result != policy::FindingResult::kCompliant && finding.last_compliant) {
    json.Key("lastCompliant").String(base::FormatTimeSeconds(*finding.last_compliant));
  }
  WriteOpinion(json, finding, states);
  json.EndObject();
}

void WriteImage(std::string& out, const ImageDecision& image, bool with_evidence) {
  JsonWriter json(out);
  json.BeginObject().Key("image");
  WriteText(json, image.use->image, kMaxText);
  json.Key("field");
  WriteText(json, image.use->field.ToString(), kMaxName);
  json.Key("enforced").Bool(image.enforced).Key("action");
  if (image.action) {
    json.String(policy::ToString(*image.action));
  } else {
    json.Null();
  }
  json.Key("registry");
  WriteTextOrNull(json, image.registry, kMaxName);
  json.Key("resourceId");
  WriteTextOrNull(json, image.facts != nullptr ? std::string_view(image.facts->registry.resource_id) : std::string_view(), kMaxText);
  json.Key("observed");
  if (image.facts != nullptr) {
    json.String(base::FormatTimeSeconds(image.facts->observed()));
  } else {
    json.Null();
  }
  json.Key("findings").BeginArray();
  for (const policy::ImageFinding& finding : image.findings) {
    WriteFinding(json, finding, image.facts == nullptr ? nullptr : image.facts->states.get(), with_evidence);
  }
  json.EndArray();
  if (!with_evidence) {
    json.Key("evidenceOmitted").Bool(true);
  }
  json.EndObject();
}

std::vector<const ImageDecision*> InOrder(const std::vector<ImageDecision>& images) {
  std::vector<const ImageDecision*> order;
  order.reserve(images.size());
  for (const ImageDecision& image : images) {
    order.push_back(&image);
  }
  return order;
}

// Whoever writes an object must not be able to hide its denied image behind a thousand allowed ones.
void StrongestFirst(std::vector<const ImageDecision*>& order) {
  std::sort(order.begin(), order.end(), [](const ImageDecision* a, const ImageDecision* b) {
    return a->effect != b->effect ? a->effect > b->effect : a < b;  // elements of one vector: else in the object's order
  });
}

struct Omitted {
  std::size_t count = 0;
  std::string sha256;
};

// Images in the object's order while all of them fit into `budget` bytes. Else those with the strongest effect first, each
// without its evidence if that makes it fit; the rest is counted, and hashed as each image's text and a newline.
Omitted WriteImages(JsonWriter& json, std::string& out, const std::vector<ImageDecision>& images, std::size_t budget) {
  std::vector<const ImageDecision*> order = InOrder(images);
  std::string texts;
  texts.reserve(kUsualBytes);
  std::vector<std::size_t> ends;
  ends.reserve(order.size());
  for (const ImageDecision* image : order) {
    WriteImage(texts, *image, true);
    ends.push_back(texts.size());
    if (texts.size() + ends.size() > budget) {
      break;
    }
  }
  json.BeginArray();
  if (texts.size() + ends.size() <= budget) {
    std::size_t begin = 0;
    for (const std::size_t end : ends) {
      json.Raw(std::string_view(texts).substr(begin, end - begin));
      begin = end;
    }
    json.EndArray();
    return {};
  }
  StrongestFirst(order);
  const std::size_t limit = out.size() + budget;
  std::size_t written = 0;
  for (; written < order.size(); ++written) {
    texts.clear();
    WriteImage(texts, *order[written], true);
    if (out.size() + texts.size() + 1 > limit) {
      texts.clear();
      WriteImage(texts, *order[written], false);
    }
    if (out.size() + texts.size() + 1 > limit) {
      break;
    }
    json.Raw(texts);
  }
  json.EndArray();
  if (written == order.size()) {
    return {};
  }
  std::string rest;
  for (std::size_t i = written; i < order.size(); ++i) {
    rest.append(order[i]->use->image).append("\n");
  }
  return {order.size() - written, base::Sha256(rest)};
}

// The number of groups for which there was no room.
std::size_t WriteGroups(JsonWriter& json, const std::string& out, const std::vector<std::string_view>& groups) {
  const std::size_t limit = out.size() + kMaxGroupsBytes;
  json.BeginArray();
  std::size_t written = 0;
  while (written < groups.size() && out.size() + std::min(groups[written].size(), kMaxName) * kEscaped < limit) {
    WriteText(json, groups[written++], kMaxName);
  }
  json.EndArray();
  return groups.size() - written;
}

// By requirement, the digest of the rule that its findings are of: {"private-link":"0123456789abcdef"}; "" when no verdict was
// asked. Registries have findings of different requirements where these have scopes, and of one requirement the same rule: all verdicts
// of a decision are by one policy.
std::string RulesOf(const policy::Decision& decision) {
  std::string rules;
  JsonWriter json(rules);
  std::vector<std::string_view> told;
  for (const ImageDecision& image : decision.images) {
    for (const policy::ImageFinding& weighed : image.findings) {
      const policy::Finding& finding = *weighed.finding;
      const bool has_room = rules.size() + kEscaped * (std::min(finding.requirement.size(), kMaxName) + kRuleDigits) < kMaxRulesBytes;
      if (finding.rule.empty() || !has_room || std::ranges::find(told, finding.requirement) != told.end()) {
        continue;
      }
      if (told.empty()) {
        json.BeginObject();
      }
      told.emplace_back(finding.requirement);
      json.Key(Clipped(finding.requirement, kMaxName)).String(ShortRule(finding.rule));
    }
  }
  if (!told.empty()) {
    json.EndObject();
  }
  return rules;
}

// As JSON.
std::string MessageOf(const RequestContext& context) {
  std::string message;
  JsonWriter(message).String(Clipped(context.message, policy::kMaxMessage));
  if (message.size() > kMaxMessageBytes) {
    message.clear();
    JsonWriter(message).String(Clipped(context.message, kMaxMessageBytes / kEscaped));
  }
  return message;
}

// As JSON; "" where there are none.
std::string WarningsOf(const RequestContext& context) {
  std::string warnings;
  if (context.warnings.empty()) {
    return warnings;
  }
  JsonWriter json(warnings);
  json.BeginArray();
  for (const std::string& warning : context.warnings) {
    std::string text;
    JsonWriter(text).String(Clipped(warning, policy::kMaxWarning));
    if (warnings.size() + text.size() + 2 > kMaxWarningsBytes) {
      break;
    }
    json.Raw(text);
  }
  json.EndArray();
  return warnings;
}

// Strongest effect first, for the same reason as above.
std::string RegistriesOf(const policy::Decision& decision) {
  using policy::Effect;
  std::string registries = " ";
  for (const Effect effect : {Effect::kDeny, Effect::kWarn, Effect::kAudit, Effect::kDisabled}) {
    for (const ImageDecision& image : decision.images) {
      if (image.effect != effect || image.registry.empty() || registries.size() + image.registry.size() > kMaxRegistriesBytes) {
        continue;
      }
      const std::string entry = image.registry + " ";
      if (registries.find(" " + entry) == std::string::npos) {
        registries += entry;
      }
    }
  }
  return registries;
}

std::string_view FailureOf(const policy::Admission& admission, const policy::Decision& decision) {
  return decision.failure && !decision.failure->finding->reason.empty() ? std::string_view(decision.failure->finding->reason)
                                                                        : std::string_view(admission.problem);
}

std::size_t EscapedAtMost(std::string_view text, std::size_t max) { return std::min(text.size(), max) * kEscaped; }

}  // namespace

std::string_view DecisionOf(const Record& record) { return record.decision ? policy::ToString(*record.decision) : kVerdictChanged; }

Record MakeRecord(const policy::Admission& admission, const policy::Decision& decision, const policy::Policy& policy,
                  const RequestContext& context) {
  Record record;
  record.time = context.time;
  record.uid = Clipped(admission.uid, kMaxName);
  record.decision = decision.kind;
  record.dry_run = admission.dry_run;
  record.namespace_name = Clipped(admission.namespace_name, kMaxName);
  record.user = Clipped(admission.user, kMaxText);
  record.peer = Clipped(context.peer, kMaxAddress);
  record.registries = RegistriesOf(decision);

  const std::string_view failure = FailureOf(admission, decision);
  const std::string rules = RulesOf(decision);
  const std::string message = MessageOf(context);
  const std::string warnings = WarningsOf(context);
  const std::size_t tail = kTailOverhead + EscapedAtMost(failure, kMaxText) + EscapedAtMost(policy.digest, kMaxDigest) +
                           EscapedAtMost(context.cluster, kMaxName) + EscapedAtMost(context.replica, kMaxName) +
                           EscapedAtMost(context.peer, kMaxAddress) + EscapedAtMost(context.client_certificate, kMaxText) + message.size() +
                           rules.size() + warnings.size();

  std::string& out = record.json;
  out.reserve(kUsualBytes);
  JsonWriter json(out);
  json.BeginObject().Key("time").String(base::FormatTime(context.time)).Key("uid").String(record.uid);
  json.Key("decision").String(policy::ToString(decision.kind)).Key("dryRun").Bool(admission.dry_run).Key("operation");
  WriteText(json, admission.operation, kMaxName);
  json.Key("resource").BeginObject();
  for (const auto& [key, value] : {std::pair{"group", admission.group},
                                   {"version", admission.version},
                                   {"kind", admission.kind},
                                   {"subresource", admission.subresource}}) {
    json.Key(key);
    WriteText(json, value, kMaxName);
  }
  json.EndObject().Key("namespace").StringOrNull(record.namespace_name).Key("name");
  WriteTextOrNull(json, admission.name, kMaxName);
  json.Key("user").StringOrNull(record.user).Key("groups");
  const std::size_t groups_omitted = WriteGroups(json, out, admission.groups);
  json.Key("owner");
  if (admission.owner_api_version.empty() && admission.owner_kind.empty() && admission.owner_name.empty() && admission.owner_uid.empty()) {
    json.Null();
  } else {
    json.BeginObject();
    for (const auto& [key, value] : {std::pair{"kind", admission.owner_kind},
                                     {"name", admission.owner_name},
                                     {"uid", admission.owner_uid},
                                     {"apiVersion", admission.owner_api_version}}) {
      json.Key(key);
      WriteTextOrNull(json, value, kMaxName);
    }
    json.EndObject();
  }

  json.Key("images");
  const Omitted omitted = WriteImages(json, out, decision.images, kMaxRecordBytes - std::min(kMaxRecordBytes, out.size() + tail));

  json.Key("failure");
  WriteTextOrNull(json, failure, kMaxText);
  WriteOrigin(json, policy.digest, context.cluster, context.replica);
  json.Key("peer");
  WriteTextOrNull(json, context.peer, kMaxAddress);
  json.Key("clientCertificate");
  WriteTextOrNull(json, context.client_certificate, kMaxText);
  json.Key("durationMicroseconds").Int(context.duration.count());
  if (omitted.count > 0) {
    json.Key("imagesOmitted").BeginObject().Key("count").Int(static_cast<std::int64_t>(omitted.count));
    json.Key("sha256").String(omitted.sha256).EndObject();
  }
  if (groups_omitted > 0) {
    json.Key("groupsOmitted").Int(static_cast<std::int64_t>(groups_omitted));
  }
  if (!context.message.empty()) {
    json.Key("message").Raw(message);
  }
  for (const auto& [key, value] : {std::pair{"mirrorPod", admission.mirror_pod}, {"templateChanged", admission.template_changed}}) {
    if (value) {
      json.Key(key).Bool(true);
    }
  }
  if (!rules.empty()) {
    json.Key("rules").Raw(rules);
  }
  if (!warnings.empty()) {
    json.Key("warnings").Raw(warnings);
  }
  json.EndObject();
  return record;
}

}  // namespace audit
