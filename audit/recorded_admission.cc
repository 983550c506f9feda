#include "audit/recorded_admission.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "base/json.h"

namespace audit {
namespace {

using nlohmann::json;
using policy::DecisionKind;
using policy::Effect;
using policy::FindingResult;

constexpr std::array kDecisions = {DecisionKind::kAllowed, DecisionKind::kWarned, DecisionKind::kDenied};
constexpr std::array kResults = {FindingResult::kCompliant, FindingResult::kNonCompliant, FindingResult::kUnknown};
constexpr std::array kEffects = {Effect::kDisabled, Effect::kAudit, Effect::kWarn, Effect::kDeny};

// Reads members of one document, and keeps the first thing that is wrong.
class Reader {
 public:
  const std::string& problem() const { return problem_; }

  void Wrong(const std::string& path, const char* expected) {
    if (problem_.empty()) {
      problem_ = path + ": expected " + expected;
    }
  }

  // Null where there is none, or null.
  static const json* Find(const json& object, const char* key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
  }

  std::string_view OptionalText(const json& object, const char* key, const std::string& path) {
    const json* member = Find(object, key);
    if (member == nullptr) {
      return {};
    }
    const auto* text = member->get_ptr<const std::string*>();
    if (text == nullptr) {
      Wrong(path + key, "a text");
      return {};
    }
    return *text;
  }

  std::string_view Text(const json& object, const char* key, const std::string& path) {
    if (Find(object, key) == nullptr) {
      Wrong(path + key, "a text");
    }
    return OptionalText(object, key, path);
  }

  bool Bool(const json& object, const char* key, const std::string& path, bool otherwise) {
    const json* member = Find(object, key);
    if (member == nullptr) {
      return otherwise;
    }
    if (!member->is_boolean()) {
      Wrong(path + key, "true or false");
      return otherwise;
    }
    return member->get<bool>();
  }

  std::optional<base::Time> OptionalTime(const json& object, const char* key, const std::string& path) {
    const std::string_view text = OptionalText(object, key, path);
    if (text.empty()) {
      return std::nullopt;
    }
    const std::optional<base::Time> time = base::ParseTime(text);
    if (!time) {
      Wrong(path + key, "a time of RFC 3339");
    }
    return time;
  }

  base::Time Time(const json& object, const char* key, const std::string& path) {
    const std::optional<base::Time> time = OptionalTime(object, key, path);
    if (!time) {
      Wrong(path + key, "a time of RFC 3339");
    }
    return time.value_or(base::Time{});
  }

  // Of `values`, the one whose name stands there.
  template <typename Values>
  typename Values::value_type Choice(const json& object, const char* key, const std::string& path, const Values& values,
                                     const char* names) {
    const std::string_view text = OptionalText(object, key, path);
    for (const auto value : values) {
      if (policy::ToString(value) == text) {
        return value;
      }
    }
    Wrong(path + key, names);
    return values.front();
  }

  // The elements of a list, each an object; none where something else stands there.
  std::vector<const json*> Objects(const json& object, const char* key, const std::string& path) {
    std::vector<const json*> objects;
    const json* member = Find(object, key);
    if (member == nullptr || !member->is_array()) {
      Wrong(path + key, "a list");
      return objects;
    }
    for (const json& element : *member) {
      if (!element.is_object()) {
        Wrong(path + key, "a list of objects");
        return {};
      }
      objects.push_back(&element);
    }
    return objects;
  }

  const json* OptionalObject(const json& object, const char* key, const std::string& path) {
    const json* member = Find(object, key);
    if (member != nullptr && !member->is_object()) {
      Wrong(path + key, "an object");
      return nullptr;
    }
    return member;
  }

 private:
  std::string problem_;
};

// "spec.containers[3].image" in its parts.
policy::FieldPath FieldOf(std::string_view text) {
  policy::FieldPath field;
  const std::size_t open = text.rfind('[');
  const std::size_t close = text.rfind(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    field.member = text;
    return field;
  }
  field.list = text.substr(0, open);
  std::from_chars(text.data() + open + 1, text.data() + close, field.index);
  field.member = text.substr(close + 1);
  return field;
}

RecordedFinding ReadFinding(const json& object, const json* rules, const std::string& path, Reader& reader) {
  RecordedFinding finding;
  finding.requirement = reader.Text(object, "requirement", path);
  finding.result = reader.Choice(object, "result", path, kResults, "Compliant, NonCompliant or Unknown");
  finding.effect = reader.Choice(object, "effect", path, kEffects, "Deny, Warn, Audit or Disabled");
  finding.last_compliant = reader.OptionalTime(object, "lastCompliant", path);
  if (const json* by_azure = reader.OptionalObject(object, "azurePolicy", path)) {
    finding.state = policy::ParseComplianceState(reader.Text(*by_azure, "state", path + "azurePolicy."));
    finding.states_read = reader.Time(*by_azure, "read", path + "azurePolicy.");
  }
  if (rules != nullptr && !policy::IsDecisionsOwnName(finding.requirement)) {
    finding.rule = reader.OptionalText(*rules, std::string(finding.requirement).c_str(), "rules.");
  }
  return finding;
}

void ReadImage(const json& object, const json* rules, const std::string& path, Reader& reader, RecordedAdmission& recorded) {
  RecordedImage image;
  policy::ImageUse use;
  use.image = reader.OptionalText(object, "image", path);
  use.field = FieldOf(reader.OptionalText(object, "field", path));
  use.in_old_object = !reader.Bool(object, "enforced", path, true);
  image.cut = IsCut(use.image);
  image.registry = reader.OptionalText(object, "registry", path);
  image.resource_id = reader.OptionalText(object, "resourceId", path);
  image.observed = reader.OptionalTime(object, "observed", path);
  const std::vector<const json*> findings = reader.Objects(object, "findings", path);
  for (std::size_t i = 0; i < findings.size(); ++i) {
    image.findings.push_back(ReadFinding(*findings[i], rules, path + "findings[" + std::to_string(i) + "].", reader));
    image.effect = std::max(image.effect, image.findings.back().effect);
  }
  recorded.admission.images.push_back(use);
  recorded.images.push_back(std::move(image));
}

void ReadAdmission(const json& object, Reader& reader, policy::Admission& admission) {
  admission.uid = reader.Text(object, "uid", "");
  admission.operation = reader.OptionalText(object, "operation", "");
  if (const json* resource = reader.OptionalObject(object, "resource", "")) {
    admission.group = reader.OptionalText(*resource, "group", "resource.");
    admission.version = reader.OptionalText(*resource, "version", "resource.");
    admission.kind = reader.OptionalText(*resource, "kind", "resource.");
    admission.subresource = reader.OptionalText(*resource, "subresource", "resource.");
  }
  admission.namespace_name = reader.OptionalText(object, "namespace", "");
  admission.name = reader.OptionalText(object, "name", "");
  admission.user = reader.OptionalText(object, "user", "");
  if (const json* owner = reader.OptionalObject(object, "owner", "")) {
    admission.owner_api_version = reader.OptionalText(*owner, "apiVersion", "owner.");
    admission.owner_kind = reader.OptionalText(*owner, "kind", "owner.");
    admission.owner_name = reader.OptionalText(*owner, "name", "owner.");
    admission.owner_uid = reader.OptionalText(*owner, "uid", "owner.");
  }
  admission.problem = reader.OptionalText(object, "failure", "");
  admission.mirror_pod = reader.Bool(object, "mirrorPod", "", false);
  admission.template_changed = reader.Bool(object, "templateChanged", "", false);
  // Of a kind that is not known no image was read, so that it makes no difference whether it is a workload.
  admission.workload = !(admission.group.empty() && admission.kind == "Pod");
}

}  // namespace

base::Result<RecordedAdmission> ReadRecord(std::string_view text) {
  base::Result<json> parsed = base::ParseJson(text, "record");
  if (!parsed) {
    return tl::unexpected(std::move(parsed).error());
  }
  RecordedAdmission recorded;
  const auto document = std::make_shared<const json>(*std::move(parsed));
  recorded.document = document;
  Reader reader;
  if (!document->is_object()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "record: expected an object");
  }
  recorded.time = reader.Time(*document, "time", "");
  recorded.decision = reader.Choice(*document, "decision", "", kDecisions, "Allowed, Warned or Denied");
  recorded.policy = reader.OptionalText(*document, "policy", "");
  recorded.cluster = reader.OptionalText(*document, "cluster", "");
  recorded.replica = reader.OptionalText(*document, "replica", "");
  ReadAdmission(*document, reader, recorded.admission);
  const json* rules = reader.OptionalObject(*document, "rules", "");
  const std::vector<const json*> images = reader.Objects(*document, "images", "");
  recorded.admission.images.reserve(images.size());
  recorded.images.reserve(images.size());
  for (std::size_t i = 0; i < images.size(); ++i) {
    ReadImage(*images[i], rules, "images[" + std::to_string(i) + "].", reader, recorded);
  }
  if (const json* omitted = reader.OptionalObject(*document, "imagesOmitted", "")) {
    const json* count = Reader::Find(*omitted, "count");
    if (count == nullptr || !count->is_number_integer() || count->get<std::int64_t>() <= 0) {
      reader.Wrong("imagesOmitted.count", "a number of images");
    } else {
      recorded.images_omitted = count->get<std::size_t>();
    }
  }
  if (!reader.problem().empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "record: " + reader.problem());
  }
  return recorded;
}

}  // namespace audit
