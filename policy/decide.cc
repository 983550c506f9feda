#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <utility>

#include "base/text.h"
#include "policy/decision.h"
#include "policy/registry_host.h"

namespace policy {
namespace {

constexpr std::size_t kShownName = 100;   // bytes of a registry or pattern that a reason repeats
constexpr std::size_t kShownImage = 160;  // bytes of an image that a reason repeats

// A memory of compliance in the future is of a clock that ran ahead: it gives no grace. Small steps back are ordinary.
constexpr std::chrono::minutes kClockTolerance{5};

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// otherRegistries as the action that it is.
SourceAction ActionOf(Effect other_registries) {
  switch (other_registries) {
    case Effect::kDisabled:
      return SourceAction::kAllow;
    case Effect::kAudit:
      return SourceAction::kAudit;
    case Effect::kWarn:
      return SourceAction::kWarn;
    case Effect::kDeny:
      break;
  }
  return SourceAction::kDeny;
}

// The effect that a source rule's action asks for by itself.
Effect EffectOf(SourceAction action) {
  switch (action) {
    case SourceAction::kAllow:
    case SourceAction::kVerify:
      return Effect::kDisabled;
    case SourceAction::kAudit:
      return Effect::kAudit;
    case SourceAction::kWarn:
      return Effect::kWarn;
    case SourceAction::kDeny:
      break;
  }
  return Effect::kDeny;
}

// What a rule of this action does to an image, in a sentence.
std::string_view VerbOf(SourceAction action) {
  return action == SourceAction::kDeny ? "refuses" : action == SourceAction::kWarn ? "warns about" : "audits";
}

// Which registry a host stands for under this policy: an ACR also through a regional endpoint or an alias.
RegistryHost ResolveHost(const Policy& policy, std::string_view registry) {
  RegistryHost host = ClassifyRegistryHost(registry, policy.registry_suffixes);
  if (host.kind == RegistryHost::Kind::kOther) {
    if (const auto alias = policy.aliases.find(registry); alias != policy.aliases.end()) {
      host.kind = RegistryHost::Kind::kAcr;
      host.login_server = alias->second;
    }
  }
  return host;
}

// Against the host as written and, for an ACR, its login server: a regional endpoint or alias must not evade a rule.
bool MatchesImage(const ImagePattern& pattern, const ImageReference& reference, const RegistryHost& host) {
  return pattern.Matches(reference.registry, reference.repository) ||
         (host.kind == RegistryHost::Kind::kAcr && host.login_server != reference.registry &&
          pattern.Matches(host.login_server, reference.repository));
}

// What decides about an image that may be judged.
struct Source {
  SourceAction action = SourceAction::kVerify;
  const SourceRule* rule = nullptr;  // null: a default applied
  const ImagePattern* pattern = nullptr;
};

Source FindSource(const Policy& policy, const ImageReference& reference, const RegistryHost& host) {
  Source source;
  for (const SourceRule& rule : policy.sources) {
    const auto matching = std::find_if(rule.images.begin(), rule.images.end(),
                                       [&](const ImagePattern& pattern) { return MatchesImage(pattern, reference, host); });
    if (matching != rule.images.end()) {
      source = {rule.action, &rule, &*matching};
      break;
    }
  }
  if (source.action == SourceAction::kVerify && host.kind != RegistryHost::Kind::kAcr) {
    return {ActionOf(policy.other_registries), nullptr, nullptr};  // there is no verdict to ask
  }
  return source;
}

// What is the same for all images of an admission.
struct Question {
  const Policy& policy;
  const Facts& facts;
  const Admission& admission;
  base::Time now;
  Effect policy_cap;  // the strongest effect that a finding of the policy's may have
};

Effect PolicyCap(const Policy& policy, const Admission& admission) {
  Effect cap = policy.max_effect;
  if (const auto limit = policy.namespaces.find(admission.namespace_name); limit != policy.namespaces.end()) {
    cap = std::min(cap, limit->second);
  }
  if (admission.workload && policy.workloads == WorkloadMode::kWarn) {
    cap = std::min(cap, Effect::kWarn);
  }
  return cap;
}

// A mirror pod runs whatever is answered, and what runs already must never be frozen by a registry that drifts.
Effect ImageCap(const Admission& admission, const ImageUse& use) {
  if (admission.mirror_pod) {
    return Effect::kAudit;
  }
  if (use.in_old_object) {
    return admission.template_changed ? Effect::kWarn : Effect::kAudit;
  }
  return Effect::kDeny;
}

// Collects the findings of one image.
class ImageJudge {
 public:
  ImageJudge(const Question& question, const ImageUse& use, Decision& decision)
      : question_(question), use_(use), decision_(decision), image_cap_(ImageCap(question.admission, use)) {
    image_.use = &use;
    image_.enforced = !use.in_old_object;
  }

  ImageDecision Judge() {
    const base::Result<ImageReference> reference = ParseImageReference(use_.image);
    if (!reference) {
      Refuse(reference.error().message, reference.error().remedy);
      return std::move(image_);
    }
    const RegistryHost host = ResolveHost(question_.policy, reference->registry);
    if (host.kind == RegistryHost::Kind::kInvalid) {
      Refuse("image \"" + base::Printable(use_.image, kShownImage) + "\": " + host.error, {});
      return std::move(image_);
    }
    const bool acr = host.kind == RegistryHost::Kind::kAcr;
    const RegistryFacts* facts = acr ? question_.facts.Find(host.login_server) : nullptr;
    const Source source = FindSource(question_.policy, *reference, host);
    image_.action = source.action;
    image_.registry = acr ? host.login_server : reference->registry;
    image_.facts = facts;

    if (source.action == SourceAction::kVerify) {
      if (facts == nullptr) {
        AddUnknownRegistry();
      } else {
        AddVerdict(*facts, *reference, host);
      }
      return std::move(image_);
    }
    if (source.rule == nullptr) {
      AddOtherRegistries();
      return std::move(image_);
    }
    AddSourceRule(source);
    if (acr && facts == nullptr && source.action != SourceAction::kDeny && !source.rule->unverified) {
      AddUnknownRegistry();
    }
    return std::move(image_);
  }

 private:
  void Add(ImageFinding finding) {
    image_.effect = std::max(image_.effect, finding.effect);
    image_.findings.push_back(finding);
  }

  // A finding that no verdict holds. `cap` bounds its effect beside the image's own.
  void AddMade(std::string_view name, FindingResult result, Effect effect, Effect cap, std::string reason, std::string remedy) {
    Finding& made = decision_.made.emplace_front();
    made.requirement = name;
    made.result = result;
    made.effect = effect;
    made.reason = std::move(reason);
    made.remedy = std::move(remedy);
    ImageFinding finding;
    finding.finding = &made;
    finding.effect = std::min({effect, cap, image_cap_});
    Add(finding);
  }

  // Only the global cap lowers a refusal: nothing can be said for what cannot be judged.
  void Refuse(std::string reason, std::string remedy) {
    AddMade(kInvalidReference, FindingResult::kNonCompliant, Effect::kDeny, question_.policy.max_effect, std::move(reason),
            std::move(remedy));
  }

  void AddUnknownRegistry() {
    AddMade(kUnknownRegistry, FindingResult::kUnknown, question_.policy.unknown_registry, question_.policy_cap,
            "registry " + base::Printable(image_.registry, kShownName) + " is not among the registries that this cluster knows",
            "check the name; if it is right, ask the cluster's administrators to bring it into the webhook's inventory");
  }

  void AddOtherRegistries() {
    if (question_.policy.other_registries == Effect::kDisabled) {
      return;
    }
    AddMade(kOtherRegistries, FindingResult::kNonCompliant, question_.policy.other_registries, question_.policy_cap,
            "registry " + base::Printable(image_.registry, kShownName) +
                " is neither an Azure Container Registry nor a source that the cluster's policy names",
            "use an image from a registry that the policy allows");
  }

  void AddSourceRule(const Source& source) {
    if (source.action == SourceAction::kAllow) {
      return;
    }
    AddMade(kSourceRule, FindingResult::kNonCompliant, EffectOf(source.action), question_.policy_cap,
            "the cluster's policy " + std::string(VerbOf(source.action)) + " images that match \"" +
                base::Printable(source.pattern->text(), kShownName) + "\"",
            "use an image from a registry that the policy allows");
  }

  void AddVerdict(const RegistryFacts& facts, const ImageReference& reference, const RegistryHost& host) {
    image_.findings.reserve(facts.verdict.size() + 1);
    for (const Finding& finding : facts.verdict) {
      Add(Weigh(IsOutdated(finding, facts) ? Outdated(finding, facts) : finding, facts.registry, reference, host));
    }
    const auto age = question_.now - facts.observed();
    if (age > question_.policy.stale_after) {
      AddMade(kStaleVerdict, FindingResult::kUnknown, question_.policy.stale_effect, question_.policy_cap,
              "registry " + base::Printable(image_.registry, kShownName) + " was last observed " + base::FormatAge(age) +
                  " ago; the policy accepts " + base::FormatAge(question_.policy.stale_after),
              "ask the cluster's administrators why Azure is not being read");
    }
  }

  // Whether it rests on a state of Azure Policy's that was read too long ago. The registry's own observation may be younger.
  bool IsOutdated(const Finding& finding, const RegistryFacts& facts) const {
    return finding.source == FindingSource::kAzurePolicy && finding.result != FindingResult::kUnknown && facts.states != nullptr &&
           question_.now - facts.states->asked > question_.policy.stale_after;
  }

  const Finding& Outdated(const Finding& finding, const RegistryFacts& facts) {
    Finding& made = decision_.made.emplace_front(finding);
    made.result = FindingResult::kUnknown;
    made.evidence.clear();
    made.remedy.clear();
    made.reason = "Azure Policy's states of it were last read " + base::FormatAge(question_.now - facts.states->asked) +
                  " ago; the policy accepts " + base::FormatAge(question_.policy.stale_after);
    return made;
  }

  ImageFinding Weigh(const Finding& finding, const Registry& registry, const ImageReference& reference, const RegistryHost& host) {
    ImageFinding weighed;
    weighed.finding = &finding;
    if (finding.result == FindingResult::kCompliant) {
      return weighed;
    }
    Effect effect = finding.effect;
    if (finding.result == FindingResult::kUnknown) {
      effect = std::min(effect, question_.policy.unknown_finding);
    } else if (effect == Effect::kDeny && question_.policy.drift_grace.count() > 0 && finding.last_compliant &&
               *finding.last_compliant <= question_.now + kClockTolerance &&
               question_.now - *finding.last_compliant <= question_.policy.drift_grace) {
      effect = Effect::kWarn;
      weighed.in_grace = true;
    }
    for (const Exemption* exemption : Covering(registry, reference, host)) {
      if (!Contains(exemption->requirements, finding.requirement)) {
        continue;
      }
      if (question_.now < exemption->expires) {
        weighed.exemption = exemption->name;
        weighed.expired_exemption = {};
        weighed.in_grace = false;
        return weighed;
      }
      if (weighed.expired_exemption.empty()) {
        weighed.expired_exemption = exemption->name;
      }
    }
    weighed.effect = std::min({effect, question_.policy_cap, image_cap_});
    return weighed;
  }

  // The exemptions of this image: there may be thousands, and they are gone through once, however many findings there are.
  const std::vector<const Exemption*>& Covering(const Registry& registry, const ImageReference& reference, const RegistryHost& host) {
    if (!covering_) {
      covering_.emplace();
      for (const Exemption& exemption : question_.policy.exemptions) {
        if (Covers(exemption, registry, reference, host)) {
          covering_->push_back(&exemption);
        }
      }
    }
    return *covering_;
  }

  // Whether every selector that the exemption gives holds.
  bool Covers(const Exemption& exemption, const Registry& registry, const ImageReference& reference, const RegistryHost& host) const {
    return (exemption.registries.empty() || Contains(exemption.registries, registry.login_server)) &&
           (exemption.namespaces.empty() || Contains(exemption.namespaces, question_.admission.namespace_name)) &&
           (exemption.resource_id.empty() || IsBelow(exemption.resource_id, registry.resource_id)) &&
           (exemption.images.empty() || std::any_of(exemption.images.begin(), exemption.images.end(),
                                                    [&](const ImagePattern& pattern) { return MatchesImage(pattern, reference, host); }));
  }

  const Question& question_;
  const ImageUse& use_;
  Decision& decision_;
  const Effect image_cap_;
  ImageDecision image_;
  std::optional<std::vector<const Exemption*>> covering_;  // of the registry behind it; none: nobody asked
};

// A shape that was not understood.
ImageFinding NotUnderstood(const Question& question, Decision& decision) {
  Finding& made = decision.made.emplace_front();
  made.requirement = kNotUnderstood;
  made.result = FindingResult::kUnknown;
  made.effect = Effect::kDeny;
  made.reason = question.admission.problem;
  ImageFinding failure;
  failure.finding = &made;
  failure.effect = std::min(question.policy.max_effect, question.admission.mirror_pod ? Effect::kAudit : Effect::kDeny);
  return failure;
}

}  // namespace

bool IsDecisionsOwnName(std::string_view name) {
  constexpr std::array<std::string_view, 7> kNames = {kUnknownRegistry, kStaleVerdict,     kOtherRegistries, kSourceRule,
                                                      kNotUnderstood,   kInvalidReference, "unknownFinding"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

std::string_view ToString(SourceAction action) {
  switch (action) {
    case SourceAction::kAllow:
      return "Allow";
    case SourceAction::kWarn:
      return "Warn";
    case SourceAction::kAudit:
      return "Audit";
    case SourceAction::kDeny:
      return "Deny";
    case SourceAction::kVerify:
      break;
  }
  return "Verify";
}

DecisionKind KindOf(Effect strongest) {
  switch (strongest) {
    case Effect::kDisabled:
    case Effect::kAudit:
      return DecisionKind::kAllowed;
    case Effect::kWarn:
      return DecisionKind::kWarned;
    case Effect::kDeny:
      break;
  }
  return DecisionKind::kDenied;
}

std::string_view ToString(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::kAllowed:
      return "Allowed";
    case DecisionKind::kWarned:
      return "Warned";
    case DecisionKind::kDenied:
      break;
  }
  return "Denied";
}

Decision Decide(const Policy& policy, const Facts& facts, const Admission& admission, base::Time now) {
  Decision decision;
  const Question question{policy, facts, admission, now, PolicyCap(policy, admission)};
  Effect strongest = Effect::kDisabled;
  if (!admission.problem.empty()) {
    decision.failure = NotUnderstood(question, decision);
    strongest = decision.failure->effect;
  }
  if (admission.workload && policy.workloads == WorkloadMode::kOff) {
    decision.kind = KindOf(strongest);  // its Pods will be judged; what is not understood is refused all the same
    return decision;
  }
  decision.images.reserve(admission.images.size());
  for (const ImageUse& use : admission.images) {
    decision.images.push_back(ImageJudge(question, use, decision).Judge());
    strongest = std::max(strongest, decision.images.back().effect);
  }
  decision.kind = KindOf(strongest);
  return decision;
}

Explanation Explain(const Policy& policy, std::string_view image) {
  Explanation explanation;
  base::Result<ImageReference> reference = ParseImageReference(image);
  if (!reference) {
    explanation.error = reference.error().ToString();
    return explanation;
  }
  RegistryHost host = ResolveHost(policy, reference->registry);
  if (host.kind == RegistryHost::Kind::kInvalid) {
    explanation.error = std::move(host.error);
  } else {
    const Source source = FindSource(policy, *reference, host);
    explanation.action = source.action;
    if (source.rule != nullptr) {
      explanation.rule = static_cast<std::size_t>(source.rule - policy.sources.data());
    }
    explanation.acr = host.kind == RegistryHost::Kind::kAcr;
    explanation.login_server = std::move(host.login_server);
  }
  explanation.reference = std::move(*reference);
  return explanation;
}

}  // namespace policy
