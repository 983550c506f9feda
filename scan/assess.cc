#include "scan/assess.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace scan {
namespace {

using policy::Effect;

// Something that weighs on a shape. The names are in `Names`.
struct Cause {
  std::uint32_t requirement = 0, registry = 0;
  Effect effect = Effect::kDisabled;
};

struct ShapeOutcome {
  Effect effect = Effect::kDisabled;
  std::vector<Cause> causes;
};

// Few names, asked for by many causes: numbers in their place.
class Names {
 public:
  std::uint32_t Of(const std::string& name) {
    const auto [at, added] = ids_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (added) {
      names_.push_back(name);
    }
    return at->second;
  }
  const std::string& operator[](std::uint32_t id) const { return names_[id]; }

 private:
  std::unordered_map<std::string, std::uint32_t> ids_;
  std::vector<std::string> names_;
};

// fn(image or null, finding): all that weighs, a shape that is not understood first.
template <class Function>
void ForEachWeighing(const policy::Decision& decision, const Function& function) {
  if (decision.failure) {
    function(nullptr, *decision.failure);
  }
  for (const policy::ImageDecision& image : decision.images) {
    for (const policy::ImageFinding& finding : image.findings) {
      if (finding.effect != Effect::kDisabled) {
        function(&image, finding);
      }
    }
  }
}

// The strongest effect by name. Few names: a search from the beginning is the fastest.
class Strongest {
 public:
  void Add(std::uint32_t name, Effect effect) {
    const auto found = std::ranges::find(effects_, name, &std::pair<std::uint32_t, Effect>::first);
    if (found == effects_.end()) {
      effects_.emplace_back(name, effect);
    } else {
      found->second = std::max(found->second, effect);
    }
  }
  void CountInto(std::map<std::string, Tally, std::less<>>& tallies, const Names& names) const {
    for (const auto& [name, effect] : effects_) {
      tallies[names[name]].Add(effect, 1);
    }
  }

 private:
  std::vector<std::pair<std::uint32_t, Effect>> effects_;
};

class Assessor {
 public:
  Assessor(const Index& index, const policy::Policy& policy, const policy::Facts& facts, base::Time now)
      : index_(index), policy_(policy), facts_(facts), now_(now) {}

  Assessment Assess() {
    std::map<Workload, std::vector<Group>> by_workload;
    for (const Group& group : index_.Groups()) {
      by_workload[index_.WorkloadOf(group.owner)].push_back(group);
    }
    assessment_.workloads.reserve(by_workload.size());
    for (const auto& [workload, groups] : by_workload) {
      Add(workload, groups);
    }
    return std::move(assessment_);
  }

 private:
  void Add(const Workload& workload, const std::vector<Group>& groups) {
    Outcome outcome{.workload = workload};
    Strongest requirements;
    Strongest registries;
    for (const Group& group : groups) {
      const ShapeOutcome& shape = OutcomeOf(group.shape);
      const auto pods = static_cast<std::int64_t>(group.pods);
      outcome.pods += pods;
      outcome.effect = std::max(outcome.effect, shape.effect);
      outcome.shapes.push_back(group.shape);
      assessment_.of_pods.Add(shape.effect, pods);
      for (const Cause& cause : shape.causes) {
        requirements.Add(cause.requirement, cause.effect);
        registries.Add(cause.registry, cause.effect);
      }
    }
    std::ranges::sort(outcome.shapes);
    const auto again = std::ranges::unique(outcome.shapes);
    outcome.shapes.erase(again.begin(), again.end());
    requirements.CountInto(assessment_.by_requirement, names_);
    registries.CountInto(assessment_.by_registry, names_);
    if (outcome.effect != Effect::kDisabled) {
      assessment_.by_namespace[workload.namespace_name].Add(outcome.effect, 1);
    }
    assessment_.of_workloads.Add(outcome.effect, 1);
    assessment_.pods += outcome.pods;
    assessment_.workloads.push_back(std::move(outcome));
  }

  const ShapeOutcome& OutcomeOf(Id shape) {
    const auto [at, added] = decided_.try_emplace(shape);
    if (added) {
      const policy::Admission admission = index_.AdmissionOf(shape);
      const policy::Decision decision = policy::Decide(policy_, facts_, admission, now_);
      ForEachWeighing(decision, [&](const policy::ImageDecision* image, const policy::ImageFinding& finding) {
        at->second.effect = std::max(at->second.effect, finding.effect);
        at->second.causes.push_back(
            {names_.Of(finding.finding->requirement), names_.Of(image == nullptr ? "" : image->registry), finding.effect});
      });
    }
    return at->second;
  }

  const Index& index_;
  const policy::Policy& policy_;
  const policy::Facts& facts_;
  const base::Time now_;
  Names names_;
  std::unordered_map<Id, ShapeOutcome> decided_;
  Assessment assessment_;
};

}  // namespace

void Tally::Add(Effect effect, std::int64_t count) {
  switch (effect) {
    case Effect::kDisabled:
      return;
    case Effect::kAudit:
      audited += count;
      return;
    case Effect::kWarn:
      warned += count;
      return;
    case Effect::kDeny:
      refused += count;
  }
}

Assessment Assess(const Index& index, const policy::Policy& policy, const policy::Facts& facts, base::Time now) {
  return Assessor(index, policy, facts, now).Assess();
}

Violations ViolationsOf(const Index& index, const Outcome& outcome, const policy::Policy& policy, const policy::Facts& facts,
                        base::Time now, std::size_t max) {
  Violations found;
  std::set<std::tuple<std::string, std::string, std::string>> told;
  // By strength first, so that it is the weakest that are left out.
  for (const Effect effect : {Effect::kDeny, Effect::kWarn, Effect::kAudit}) {
    for (const Id shape : outcome.shapes) {
      const policy::Admission admission = index.AdmissionOf(shape);
      const policy::Decision decision = policy::Decide(policy, facts, admission, now);
      ForEachWeighing(decision, [&](const policy::ImageDecision* image, const policy::ImageFinding& finding) {
        if (finding.effect != effect) {
          return;
        }
        Violation violation{.effect = effect, .finding = *finding.finding, .expired_exemption = std::string(finding.expired_exemption)};
        if (image != nullptr) {
          violation.image = image->use->image;
          violation.container = image->use->container;
          violation.field = image->use->field.ToString();
          violation.registry = image->registry;
          violation.facts = image->facts;
        }
        if (!told.emplace(violation.image, violation.container, violation.finding.requirement).second) {
          return;
        }
        if (found.violations.size() < max) {
          found.violations.push_back(std::move(violation));
        } else {
          ++found.omitted;
        }
      });
    }
  }
  return found;
}

}  // namespace scan
