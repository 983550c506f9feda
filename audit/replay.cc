#include "audit/replay.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "audit/record.h"
#include "base/text.h"
#include "policy/registry_host.h"

namespace audit {
namespace {

using policy::DecisionKind;
using policy::Effect;
using policy::Finding;
using policy::FindingResult;
using policy::FindingSource;

// Times but the record's own are cut to the second: what was at `time` may have been this much later.
constexpr std::chrono::microseconds kCut{999'999};

// Compliance is remembered from the past. A memory from the future is of a clock that stepped, and nothing follows from it.
constexpr std::chrono::minutes kClockTolerance{1};

// How what the record lacks is filled in.
enum class Filling {
  kBest,          // every requirement is met
  kWorst,         // none is
  kWorstUnknown,  // none is, and registries that were not looked up were not known either
  kNow,           // as is known now
};

// Whether the registry of an image was known when the record was made.
enum class Known { kYes, kNo, kUntold };

// A registry that the new policy comes to.
struct Server {
  std::string login_server;
  bool verified = false;  // its verdict is asked for
  Known known = Known::kUntold;
  const RecordedImage* resource = nullptr;  // kYes: the image that tells which resource it was
  const RecordedImage* judged = nullptr;    // the image that tells its verdict; null: none was asked for
};

bool IsOwnFinding(const RecordedFinding& finding) { return policy::IsDecisionsOwnName(finding.requirement); }

bool HasFinding(const RecordedImage& image, std::string_view requirement) {
  return std::any_of(image.findings.begin(), image.findings.end(),
                     [&](const RecordedFinding& finding) { return finding.requirement == requirement; });
}

bool WasFoundUnknown(const RecordedImage& image) { return HasFinding(image, policy::kUnknownRegistry); }

// Whether Rule, "sha256:…", begins with the recorded digits.
bool IsOfRule(const RecordedFinding& finding, std::string_view rule) {
  rule.remove_prefix(rule.find(':') + 1);
  return finding.rule.size() == kRuleDigits && rule.starts_with(finding.rule);
}

class Replayer {
 public:
  Replayer(const RecordedAdmission& recorded, const policy::Policy& policy, const policy::Facts* now)
      : recorded_(recorded), policy_(policy), now_(now) {
    open_.resize(recorded.images.size());
    for (std::size_t i = 0; i < recorded.images.size(); ++i) {
      LookAt(i);
    }
    if (recorded.images_omitted > 0) {
      Miss("images had no room in the record");
    }
    // Of workloads that the policy left alone a record has no image; it is there for what was not understood.
    images_lacking_ =
        recorded.images_omitted > 0 || (recorded.images.empty() && recorded.admission.workload && !recorded.admission.problem.empty());
    if (images_lacking_ && recorded.images_omitted == 0) {
      Miss("the images of a workload that was not understood are not recorded");
    }
  }

  Replayed Run() {
    replayed_.before = recorded_.decision;
    for (const RecordedImage& image : recorded_.images) {
      replayed_.images.push_back({image.effect, Effect::kDisabled, Effect::kDisabled});
    }
    const policy::Facts best_facts = FactsAs(Filling::kBest);  // finds out what is missing
    const policy::Decision best = policy::Decide(policy_, best_facts, recorded_.admission, recorded_.time);
    replayed_.at_least = replayed_.at_most = replayed_.after = TakeBest(best);
    if (missing_.empty()) {
      Explain(best);
      return std::move(replayed_);
    }
    TakeWorst(Filling::kWorst);
    if (untold_server_) {
      TakeWorst(Filling::kWorstUnknown);
    }
    if (replayed_.at_least == replayed_.at_most) {
      Explain(best);
      return std::move(replayed_);
    }
    replayed_.missing = std::move(missing_);
    replayed_.certainty = Certainty::kUntold;
    if (now_ != nullptr) {
      TakeNow();
    }
    if (replayed_.certainty == Certainty::kUntold) {
      replayed_.after = replayed_.at_most;
      ExplainWorst();
    }
    return std::move(replayed_);
  }

 private:
  void Miss(std::string what) {
    if (std::find(missing_.begin(), missing_.end(), what) == missing_.end()) {
      missing_.push_back(std::move(what));
    }
  }

  // Notes which registry the new policy has behind an image, or that this cannot be told.
  void LookAt(std::size_t index) {
    const RecordedImage& image = recorded_.images[index];
    if (image.cut) {
      open_[index] = true;
      Miss("the text of an image had no room in the record");
      return;
    }
    const policy::Explanation now = policy::Explain(policy_, recorded_.admission.images[index].image);
    if (!now.acr) {
      const bool was_acr = !image.resource_id.empty() || WasFoundUnknown(image);
      if (was_acr && now.reference && now.reference->registry == image.registry) {
        open_[index] = true;
        Miss("a host was a registry of Azure's, and is none by this configuration (inventory.azure.cloud)");
      }
      return;
    }
    auto server = std::find_if(servers_.begin(), servers_.end(), [&](const Server& s) { return s.login_server == now.login_server; });
    if (server == servers_.end()) {
      server = servers_.insert(servers_.end(), LookUp(now.login_server));
    }
    server->verified = server->verified || now.action == policy::SourceAction::kVerify;
  }

  // What the record knows of a registry, from all images that it holds.
  Server LookUp(const std::string& login_server) const {
    Server server;
    server.login_server = login_server;
    bool looked_up = policy::ClassifyRegistryHost(login_server).kind == policy::RegistryHost::Kind::kAcr;
    bool named = false;
    for (const RecordedImage& image : recorded_.images) {
      if (image.registry != login_server) {
        continue;
      }
      named = true;
      looked_up = looked_up || WasFoundUnknown(image) || !image.resource_id.empty();
      if (!image.resource_id.empty() && image.observed && !IsCut(image.resource_id)) {
        server.resource = &image;
      }
      if (std::any_of(image.findings.begin(), image.findings.end(), [](const RecordedFinding& f) { return !IsOwnFinding(f); })) {
        server.judged = &image;
      }
      if (IsCut(image.resource_id)) {
        return {.login_server = login_server};
      }
    }
    server.known = server.resource != nullptr ? Known::kYes : named && looked_up ? Known::kNo : Known::kUntold;
    return server;
  }

  // Whether a limit on the age of what was at `time` (cut) falls into the second that the record does not tell.
  bool IsInThatSecond(base::Time time, std::chrono::microseconds limit) const {
    const auto age = recorded_.time - time;
    return age > limit && age - kCut <= limit;
  }

  policy::Facts FactsAs(Filling filling) {
    policy::Facts facts;
    for (const Server& server : servers_) {
      if (auto known = RegistryAs(server, filling)) {
        facts.Add(std::move(known));
      }
    }
    return facts;
  }

  // Null: unknown.
  std::shared_ptr<const policy::RegistryFacts> RegistryAs(const Server& server, Filling filling) {
    if (server.known == Known::kNo) {
      return nullptr;
    }
    auto facts = std::make_shared<policy::RegistryFacts>();
    facts->registry.login_server = server.login_server;
    const policy::RegistryFacts* today = now_ == nullptr ? nullptr : now_->Find(server.login_server);
    if (server.known == Known::kUntold) {
      untold_server_ = true;
      Miss("a registry was not looked up then");
      if (filling == Filling::kWorstUnknown || (filling == Filling::kNow && today == nullptr)) {
        lacking_now_ = lacking_now_ || now_ == nullptr;
        return nullptr;
      }
      const bool stale = filling == Filling::kWorst;
      facts->registry.observed = stale ? recorded_.time - policy_.stale_after - kCut : recorded_.time;
      if (filling == Filling::kNow) {
        facts->registry.resource_id = today->registry.resource_id;
      }
    } else {
      facts->registry.resource_id = server.resource->resource_id;
      facts->registry.observed = *server.resource->observed;
      if (server.verified && IsInThatSecond(facts->registry.observed, policy_.stale_after)) {
        MissSecond();
        facts->registry.observed += filling == Filling::kBest ? kCut : kCut.zero();
      }
      if (today != nullptr && !base::EqualsIgnoreAsciiCase(today->registry.resource_id, facts->registry.resource_id)) {
        today = nullptr;  // another registry has the name now
      }
    }
    for (const policy::Requirement& requirement : policy_.requirements) {
      // Of a registry that cannot be told every scope may hold it.
      const bool in_scope = facts->registry.resource_id.empty() || requirement.scopes.Contain(facts->registry.resource_id);
      if (server.verified && requirement.effect != Effect::kDisabled && in_scope) {
        facts->verdict.push_back(FindingAs(requirement, server, filling, today, *facts));
      }
    }
    return facts;
  }

  void MissSecond() { Miss("times are recorded to the second, and this one decides"); }

  Finding FindingAs(const policy::Requirement& requirement, const Server& server, Filling filling, const policy::RegistryFacts* today,
                    policy::RegistryFacts& facts) {
    Finding finding;
    finding.requirement = requirement.name;
    finding.rule = requirement.rule;
    finding.definition_id = requirement.definition ? requirement.definition->id : "";
    finding.effect = requirement.effect;
    finding.source = requirement.source;
    if (std::optional<Finding> recorded = Recorded(requirement, server, finding, facts)) {
      return *std::move(recorded);
    }
    finding.source = FindingSource::kRegistry;  // so that no age of Azure's states counts
    switch (filling) {
      case Filling::kBest:
        finding.result = FindingResult::kCompliant;
        break;
      case Filling::kWorst:
      case Filling::kWorstUnknown:
        finding.result = FindingResult::kNonCompliant;
        break;
      case Filling::kNow:
        TakeToday(today, finding);
        break;
    }
    return finding;
  }

  // `finding` with what the requirement came to, or none when the record does not tell.
  std::optional<Finding> Recorded(const policy::Requirement& requirement, const Server& server, Finding finding,
                                  policy::RegistryFacts& facts) {
    const RecordedFinding* found = nullptr;
    if (server.judged != nullptr) {
      for (const RecordedFinding& recorded : server.judged->findings) {
        found = IsOfRule(recorded, requirement.rule) ? &recorded : found;
      }
    }
    if (found == nullptr) {
      Miss(requirement.name + " was not judged then, or by another definition or other parameters");
      return std::nullopt;
    }
    finding.result = found->result;
    finding.last_compliant = found->last_compliant;
    if (requirement.source == FindingSource::kAzurePolicy && found->state) {
      finding.azure = policy::ComplianceOpinion{*found->state, found->states_read};
      policy::TakeOpinion(finding);
      facts.states = std::make_shared<const policy::ComplianceStates>(policy::ComplianceStates{found->states_read, {}});
      if (finding.result != FindingResult::kUnknown && IsInThatSecond(found->states_read, policy_.stale_after)) {
        MissSecond();
        return std::nullopt;
      }
    } else if (requirement.source == FindingSource::kAzurePolicy && found->result != FindingResult::kUnknown) {
      Miss(requirement.name + ": when Azure Policy's states were read is not recorded");
      return std::nullopt;
    }
    const bool may_be_in_grace =
        finding.result == FindingResult::kNonCompliant && policy_.drift_grace.count() > 0 && finding.last_compliant;
    if (may_be_in_grace && IsInThatSecond(*finding.last_compliant, policy_.drift_grace)) {
      MissSecond();
      return std::nullopt;
    }
    if (may_be_in_grace && *finding.last_compliant > recorded_.time + kClockTolerance) {
      Miss("a registry was last compliant after it was asked for: a clock stepped");
      return std::nullopt;
    }
    return finding;
  }

  void TakeToday(const policy::RegistryFacts* today, Finding& finding) {
    if (today != nullptr) {
      const auto same = std::find_if(today->verdict.begin(), today->verdict.end(),
                                     [&](const Finding& f) { return f.requirement == finding.requirement && f.rule == finding.rule; });
      if (same != today->verdict.end()) {
        finding.result = same->result;
        finding.reason = same->reason;
        finding.last_compliant = same->last_compliant;
        return;
      }
    }
    finding.result = FindingResult::kUnknown;
    finding.reason = "not recorded";
    lacking_now_ = true;
  }

  // Each image's effect; images that the policy does not look at have none.
  Effect EffectOf(const policy::Decision& decision, std::size_t image) const {
    return image < decision.images.size() ? decision.images[image].effect : Effect::kDisabled;
  }

  DecisionKind TakeBest(const policy::Decision& decision) {
    Effect strongest = decision.failure ? decision.failure->effect : Effect::kDisabled;
    for (std::size_t i = 0; i < replayed_.images.size(); ++i) {
      const Effect effect = open_[i] ? Effect::kDisabled : EffectOf(decision, i);
      replayed_.images[i].at_least = replayed_.images[i].at_most = effect;
      strongest = std::max(strongest, effect);
    }
    return policy::KindOf(strongest);
  }

  // The admission with an image that is refused, which weighs most, in place of what cannot be told.
  policy::Admission WorstAdmission() const {
    policy::Admission worst = recorded_.admission;
    for (std::size_t i = 0; i < worst.images.size(); ++i) {
      if (open_[i]) {
        worst.images[i].image = {};
      }
    }
    if (images_lacking_) {
      worst.images.emplace_back();
    }
    return worst;
  }

  void TakeWorst(Filling filling) {
    const policy::Facts facts = FactsAs(filling);
    const policy::Admission admission = WorstAdmission();
    const policy::Decision worst = policy::Decide(policy_, facts, admission, recorded_.time);
    for (std::size_t i = 0; i < replayed_.images.size(); ++i) {
      replayed_.images[i].at_most = std::max(replayed_.images[i].at_most, EffectOf(worst, i));
    }
    if (worst.kind > replayed_.at_most) {
      replayed_.at_most = worst.kind;
      worst_causes_.clear();
    }
    AddCauses(worst, replayed_.at_most, worst_causes_);
  }

  void TakeNow() {
    lacking_now_ = images_lacking_ || std::find(open_.begin(), open_.end(), true) != open_.end();
    const policy::Facts facts = FactsAs(Filling::kNow);
    if (lacking_now_) {
      return;
    }
    const policy::Decision decision = policy::Decide(policy_, facts, recorded_.admission, recorded_.time);
    replayed_.certainty = Certainty::kEstimated;
    replayed_.after = decision.kind;
    Explain(decision);
  }

  // What makes `decision` the `kind` that it is, beyond what the recorded one was.
  void AddCauses(const policy::Decision& decision, DecisionKind kind, std::vector<Cause>& causes) const {
    if (kind <= replayed_.before) {
      return;
    }
    const auto add = [&](const policy::ImageFinding& finding, const std::string& registry, bool recorded) {
      if (policy::KindOf(finding.effect) != kind) {
        return;
      }
      Cause cause{registry, recorded ? finding.finding->requirement : kNotRecorded};
      if (std::find(causes.begin(), causes.end(), cause) == causes.end()) {
        causes.push_back(std::move(cause));
      }
    };
    if (decision.failure) {
      add(*decision.failure, "", true);
    }
    for (std::size_t i = 0; i < decision.images.size(); ++i) {
      const bool recorded = i < open_.size() && !open_[i];
      for (const policy::ImageFinding& finding : decision.images[i].findings) {
        add(finding, decision.images[i].registry, recorded);
      }
    }
  }

  // What made the recorded decision what it was.
  void AddCausesBefore() {
    const auto add = [this](std::string_view registry, std::string_view requirement) {
      Cause cause{std::string(registry), std::string(requirement)};
      if (std::find(replayed_.causes.begin(), replayed_.causes.end(), cause) == replayed_.causes.end()) {
        replayed_.causes.push_back(std::move(cause));
      }
    };
    if (!recorded_.admission.problem.empty()) {
      add("", policy::kNotUnderstood);
    }
    for (const RecordedImage& image : recorded_.images) {
      for (const RecordedFinding& finding : image.findings) {
        if (policy::KindOf(finding.effect) == recorded_.decision) {
          add(image.registry, finding.requirement);
        }
      }
    }
  }

  void Explain(const policy::Decision& decision) {
    if (replayed_.after > replayed_.before) {
      AddCauses(decision, replayed_.after, replayed_.causes);
      std::erase_if(replayed_.causes, [](const Cause& cause) { return cause.requirement == kNotRecorded; });
    } else if (replayed_.after < replayed_.before) {
      AddCausesBefore();
    }
  }

  void ExplainWorst() {
    if (replayed_.at_most > replayed_.before) {
      replayed_.causes = std::move(worst_causes_);
    } else {
      AddCausesBefore();
    }
  }

  const RecordedAdmission& recorded_;
  const policy::Policy& policy_;
  const policy::Facts* const now_;
  std::vector<Server> servers_;  // distinct
  std::vector<bool> open_;       // by image: nothing can be told of it
  bool images_lacking_ = false;
  bool untold_server_ = false;
  bool lacking_now_ = false;  // neither the record nor what is known now tells something
  std::vector<std::string> missing_;
  std::vector<Cause> worst_causes_;
  Replayed replayed_;
};

}  // namespace

Replayed Replay(const RecordedAdmission& recorded, const policy::Policy& policy, const policy::Facts* now) {
  return Replayer(recorded, policy, now).Run();
}

}  // namespace audit
