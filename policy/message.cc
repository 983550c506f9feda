// What people read about a decision.
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policy/decision.h"

namespace policy {
namespace {

// Bytes that each part of a denial's line may take: together they leave room for one whole line, "and N more" and the uid.
constexpr std::size_t kContainersShown = 100;
constexpr std::size_t kImageShown = 160;
constexpr std::size_t kRegistryShown = 80;
constexpr std::size_t kRequirementShown = 64;
constexpr std::size_t kReasonShown = 240;
constexpr std::size_t kRemedyShown = 300;
constexpr std::size_t kUidShown = 64;
constexpr std::size_t kEvidenceField = 80;
constexpr std::size_t kEvidenceValue = 48;
constexpr std::size_t kEvidenceCount = 2;  // who mends the first two looks again anyway

// Bytes of the parts of a warning.
constexpr std::size_t kWarningRegistry = 48;
constexpr std::size_t kWarningRequirement = 32;
constexpr std::size_t kWarningContainer = 24;

constexpr std::size_t kMaxLines = 16;  // of a denial: more never fit
constexpr std::string_view kLongestMore = "… and 18446744073709551615 more\n";
constexpr std::size_t kNamedUses = 8;  // containers that a merged line can name; the others are counted

// One thing that is wrong, with everything that it is wrong for.
struct Line {
  const ImageFinding* finding = nullptr;
  const ImageDecision* image = nullptr;  // the first; null for the shape as a whole
  std::vector<const ImageUse*> uses;     // the first kNamedUses
  std::size_t use_count = 0;
  bool one_image = true;  // all uses name the same image
  std::size_t rank = 0;   // the most important first, then
  std::size_t order = 0;  // as they stand in the object
};

// Whether the finding is the decision's own: its reason is then a whole sentence.
bool IsMade(const Finding& finding) { return IsDecisionsOwnName(finding.requirement); }

// Refusals and sources first: no registry can be mended to change them. Then the requirements in the policy's order.
std::size_t Rank(const Finding& finding, const Policy& policy) {
  if (finding.requirement == kNotUnderstood || finding.requirement == kInvalidReference) {
    return 0;
  }
  if (finding.requirement == kStaleVerdict) {
    return 2 + policy.requirements.size();
  }
  if (IsMade(finding)) {
    return 1;
  }
  const auto found = std::find_if(policy.requirements.begin(), policy.requirements.end(),
                                  [&](const Requirement& requirement) { return requirement.name == finding.requirement; });
  return 2 + static_cast<std::size_t>(found - policy.requirements.begin());
}

// The findings that have exactly this effect, most important first; one line for all containers that share one.
std::vector<Line> LinesOf(const Decision& decision, const Policy& policy, Effect effect) {
  std::vector<Line> lines;
  if (decision.failure && decision.failure->effect == effect) {
    Line line;
    line.finding = &*decision.failure;
    lines.push_back(std::move(line));
  }
  std::unordered_map<std::string, std::size_t> index;  // an object may name 100,000 images: no search in the lines
  for (const ImageDecision& image : decision.images) {
    for (const ImageFinding& finding : image.findings) {
      if (finding.effect != effect) {
        continue;
      }
      const std::string key = finding.finding->requirement + '\n' + image.registry + '\n' + finding.finding->reason;
      const auto [at, added] = index.try_emplace(key, lines.size());
      if (added) {
        Line line;
        line.finding = &finding;
        line.image = &image;
        line.rank = Rank(*finding.finding, policy);
        line.order = lines.size();
        lines.push_back(std::move(line));
      }
      Line& line = lines[at->second];
      line.one_image = line.one_image && line.image->use->image == image.use->image;
      if (++line.use_count <= kNamedUses) {
        line.uses.push_back(image.use);
      }
    }
  }
  std::sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return std::tie(a.rank, a.order) < std::tie(b.rank, b.order); });
  return lines;
}

std::string_view NounOf(const ImageUse& use) {
  if (use.field.list.ends_with("initContainers")) {
    return "init container";
  }
  if (use.field.list.ends_with("ephemeralContainers")) {
    return "ephemeral container";
  }
  return use.field.list.ends_with("volumes") ? "volume" : "container";
}

std::string NameOf(const ImageUse& use, std::size_t max_bytes) {
  return base::Printable(use.container.empty() ? use.field.ToString() : std::string(use.container), max_bytes);
}

// `container "cart"`, `containers cart, sidecar and 3 more`.
std::string ContainersOf(const Line& line) {
  const ImageUse& first = *line.uses.front();
  const std::string_view noun = NounOf(first);
  if (line.use_count == 1) {
    return std::string(noun) + " \"" + NameOf(first, kContainersShown) + "\"";
  }
  const bool one_noun = std::all_of(line.uses.begin(), line.uses.end(), [&](const ImageUse* use) { return NounOf(*use) == noun; });
  std::string text = (one_noun ? std::string(noun) : "container") + "s ";
  std::size_t named = 0;
  for (const ImageUse* use : line.uses) {
    const std::string name = NameOf(*use, kContainersShown / 2);
    if (named > 0 && text.size() + name.size() > kContainersShown) {
      break;
    }
    text += (named == 0 ? "" : ", ") + name;
    ++named;
  }
  return named == line.use_count ? text : text + " and " + std::to_string(line.use_count - named) + " more";
}

std::string EvidenceText(const Evidence& evidence, MessageDetail detail) {
  std::string text = base::Printable(evidence.field, kEvidenceField);
  if (detail == MessageDetail::kBrief && !evidence.brief) {
    return text + " is not as required";
  }
  text += evidence.actual == "null" ? " is not set" : " is " + base::Printable(evidence.actual, kEvidenceValue);
  // What is expected may come from a parameter: addresses, key identifiers and ids have these characters, words have none.
  const bool hidden = detail == MessageDetail::kBrief && evidence.expected.find_first_of("./:@-") != std::string::npos;
  return evidence.expected.empty() || hidden ? text : text + " (expected " + base::Printable(evidence.expected, kEvidenceValue) + ")";
}

std::string EvidenceText(const std::vector<Evidence>& evidence, MessageDetail detail) {
  std::string text;
  const std::size_t shown = std::min(evidence.size(), kEvidenceCount);
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "" : ", ") + EvidenceText(evidence[i], detail);
  }
  return shown == evidence.size() ? text : text + " and " + std::to_string(evidence.size() - shown) + " more";
}

// "registry contoso.azurecr.io does not meet private-link: …, observed 29 s ago".
std::string RequirementText(const Line& line, const Policy& policy, base::Time now) {
  const Finding& finding = *line.finding->finding;
  const bool known = finding.result == FindingResult::kNonCompliant;
  std::string text = "registry " + base::Printable(line.image->registry, kRegistryShown) +
                     (known ? " does not meet " : " could not be judged by ") + base::Printable(finding.requirement, kRequirementShown);
  const std::string why = WhyText(finding, policy.messages);
  if (!why.empty()) {
    text += ": " + why;
  }
  if (finding.source == FindingSource::kAzurePolicy) {  // when the registry was observed says nothing about it
    text += finding.azure ? ", evaluated by Azure Policy " + base::FormatAge(now - finding.azure->time) + " ago" : "";
  } else if (line.image->facts != nullptr) {
    text += ", observed " + base::FormatAge(now - line.image->facts->observed()) + " ago";
  }
  if (!line.finding->expired_exemption.empty()) {
    text += ", exemption " + base::Printable(line.finding->expired_exemption, kRequirementShown) + " has expired";
  }
  return text;
}

// Without its remedy.
std::string LineText(const Line& line, const Policy& policy, const Admission& admission, base::Time now) {
  const Finding& finding = *line.finding->finding;
  if (line.image == nullptr) {
    return "this " + base::Printable(admission.kind, kRequirementShown) +
           " could not be read, so no image of it could be judged: " + base::Printable(finding.reason, kReasonShown) +
           "; correct the object, or ask the cluster's administrators";
  }
  std::string text = ContainersOf(line);
  if (line.one_image && finding.requirement != kInvalidReference) {  // a refusal's reason names the image
    text += " image " + base::Printable(line.image->use->image, kImageShown);
  }
  if (!IsMade(finding)) {
    return text + ": " + RequirementText(line, policy, now);
  }
  return text + ": " + base::Printable(finding.reason, kReasonShown + kImageShown);
}

// What follows a line's text to say how to mend it: "; to mend: az …".
std::string RemedyText(const Line& line) {
  const Finding& finding = *line.finding->finding;
  if (line.image == nullptr || finding.remedy.empty()) {
    return "";
  }
  return (IsMade(finding) ? "; " : "; to mend: ") + base::Printable(finding.remedy, kRemedyShown);
}

std::string WarningText(const Line& line, const Policy& policy, const Admission& admission, base::Time now) {
  const Finding& finding = *line.finding->finding;
  if (line.image == nullptr) {
    return "this " + base::Printable(admission.kind, kWarningRequirement) + " could not be read: " + finding.reason;
  }
  const ImageUse& first = *line.uses.front();
  std::string where = std::string(NounOf(first)) + " " + NameOf(first, kWarningContainer);
  if (line.use_count > 1) {
    where += " and " + std::to_string(line.use_count - 1) + " more";
  }
  if (IsMade(finding)) {
    return where + ": " + finding.reason;
  }
  const std::string registry = base::Printable(line.image->registry, kWarningRegistry);
  const std::string requirement = base::Printable(finding.requirement, kWarningRequirement);
  if (line.finding->in_grace) {
    const auto left = finding.last_compliant.value_or(now) + policy.drift_grace - now;
    return registry + " no longer meets " + requirement + ", denied in " + base::FormatAge(left) + ": " + where;
  }
  const bool known = finding.result == FindingResult::kNonCompliant;
  return registry + (known ? " does not meet " : " could not be judged by ") + requirement + ": " + where;
}

// "exemption billing-cmk-migration expired 2027-03-31 and waives nothing: …", each exemption once.
std::vector<std::string> ExpiredExemptions(const Decision& decision, const Policy& policy) {
  std::vector<std::string> warnings;
  std::vector<std::string_view> told;
  for (const ImageDecision& image : decision.images) {
    for (const ImageFinding& finding : image.findings) {
      const std::string_view name = finding.expired_exemption;
      if (name.empty() || std::find(told.begin(), told.end(), name) != told.end()) {
        continue;
      }
      told.push_back(name);
      const auto exemption =
          std::find_if(policy.exemptions.begin(), policy.exemptions.end(), [&](const auto& e) { return e.name == name; });
      warnings.push_back("exemption " + base::Printable(name, kWarningRegistry) +
                         (exemption == policy.exemptions.end() ? " is over" : " expired " + exemption->expires_text) +
                         " and waives nothing for " + image.registry);
    }
  }
  return warnings;
}

}  // namespace

std::string WhyText(const Finding& finding, MessageDetail detail) {
  return finding.result == FindingResult::kNonCompliant && !IsMade(finding) ? EvidenceText(finding.evidence, detail)
                                                                            : base::Printable(finding.reason, kReasonShown);
}

std::string DenialMessage(const Decision& decision, const Admission& admission, const Policy& policy, base::Time now) {
  const std::vector<Line> lines = LinesOf(decision, policy, Effect::kDeny);
  const std::string last = "audit uid " + base::Printable(admission.uid, kUidShown);
  const std::size_t budget = kMaxMessage - last.size();

  std::vector<std::string> brief;  // the lines without their remedies
  std::size_t behind = 0;          // bytes that the brief lines behind the current one take
  for (std::size_t i = 0; i < std::min(lines.size(), kMaxLines); ++i) {
    brief.push_back(LineText(lines[i], policy, admission, now));
    behind += brief.back().size() + 1;
  }

  // The first line says how to mend it whatever else is wrong; the others only while every line still finds room.
  std::string message;
  std::size_t shown = 0;
  for (; shown < brief.size(); ++shown) {
    behind -= brief[shown].size() + 1;
    const std::size_t room = budget - message.size() - (shown + 1 < lines.size() ? kLongestMore.size() : 0);
    std::string text = brief[shown] + RemedyText(lines[shown]) + '\n';
    if (text.size() + (shown == 0 ? 0 : behind) > room) {
      text = shown == 0 ? base::Printable(text.substr(0, text.size() - 1), room - 1) + '\n' : brief[shown] + '\n';
    }
    if (text.size() > room) {
      break;
    }
    message += text;
  }
  if (shown < lines.size()) {
    message += "… and " + std::to_string(lines.size() - shown) + " more\n";
  }
  return message + last;
}

std::vector<std::string> Warnings(const Decision& decision, const Admission& admission, const Policy& policy, base::Time now) {
  std::vector<std::string> warnings = ExpiredExemptions(decision, policy);
  const std::vector<Line> lines = LinesOf(decision, policy, Effect::kWarn);
  const std::size_t all = warnings.size() + lines.size();
  const std::size_t told = all > kMaxWarnings ? kMaxWarnings - 1 : all;
  warnings.resize(std::min(warnings.size(), told));
  for (std::size_t i = 0; warnings.size() < told; ++i) {
    warnings.push_back(WarningText(lines[i], policy, admission, now));
  }
  if (told < all) {
    warnings.push_back("… and " + std::to_string(all - told) + " more warnings");
  }
  for (std::string& warning : warnings) {
    warning = base::Printable(warning, kMaxWarning);
  }
  return warnings;
}

}  // namespace policy
