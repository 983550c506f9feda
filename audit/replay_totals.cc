#include "audit/replay_totals.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <utility>

#include "audit/reader.h"
#include "policy/workload_name.h"

namespace audit {
namespace {

using policy::DecisionKind;

// Counted singly: clients choose the names.
constexpr std::size_t kMaxSingly = 10'000;

// The one change that it is; null: none.
std::int64_t ReplayChanges::* ChangeOf(const Replayed& replayed) {
  if (replayed.certainty == Certainty::kUntold) {
    return &ReplayChanges::untold;
  }
  if (replayed.after == replayed.before) {
    return nullptr;
  }
  if (replayed.after == DecisionKind::kDenied) {
    return &ReplayChanges::denied;
  }
  if (replayed.before == DecisionKind::kDenied) {
    return &ReplayChanges::no_longer_denied;
  }
  return replayed.after == DecisionKind::kWarned ? &ReplayChanges::warned : &ReplayChanges::no_longer_warned;
}

auto Weight(const ReplayChanges& changes) {
  return std::tuple(changes.denied, changes.untold, changes.warned, changes.no_longer_denied, changes.no_longer_warned);
}

// Lower is more urgent.
int Rank(const ReplayTotals::Group& group) {
  if (group.certainty == Certainty::kUntold) {
    return 1;
  }
  return group.after == DecisionKind::kDenied    ? 0
         : group.before == DecisionKind::kDenied ? 3
         : group.after == DecisionKind::kWarned  ? 2
                                                 : 4;
}

}  // namespace

ReplayChanges& ReplayTotals::Of(Values& values, std::string_view value) {
  if (const auto found = values.find(value); found != values.end()) {
    return found->second;
  }
  return values[values.size() < kMaxSingly ? std::string(value) : std::string(kOtherValues)];
}

ReplayTotals::Seen& ReplayTotals::SeenOf(Key key) {
  const auto found = groups_.find(key);
  if (found != groups_.end()) {
    return found->second;
  }
  if (groups_.size() >= kMaxSingly) {
    std::get<0>(key) = std::get<1>(key) = std::get<2>(key) = std::get<3>(key) = kOtherValues;
  }
  return groups_[std::move(key)];
}

void ReplayTotals::Add(const RecordedAdmission& recorded, const Replayed& replayed) {
  ++admissions_;
  allowed_before_ += replayed.before == DecisionKind::kAllowed ? 1 : 0;
  estimated_ += replayed.certainty == Certainty::kEstimated ? 1 : 0;
  if (replayed.certainty != Certainty::kExact) {
    for (const std::string& what : replayed.missing) {
      if (const auto found = missing_.find(what); found != missing_.end() || missing_.size() < kMaxSingly) {
        ++missing_[what];
      }
    }
  }
  const auto change = ChangeOf(replayed);
  if (change == nullptr) {
    return;
  }
  ++(changes_.*change);
  if (replayed.certainty == Certainty::kUntold && replayed.at_most == DecisionKind::kDenied && replayed.before != DecisionKind::kDenied) {
    ++perhaps_denied_;
  }
  const std::string namespace_name(recorded.admission.namespace_name);
  ++(Of(by_namespace_, namespace_name).*change);
  std::set<std::string_view> registries;
  for (const Cause& cause : replayed.causes) {
    if (registries.insert(cause.registry).second) {
      ++(Of(by_registry_, cause.registry).*change);
    }
  }
  const std::string workload = policy::WorkloadName(recorded.admission);
  for (const Cause& cause : replayed.causes) {
    Seen& seen = SeenOf({namespace_name, workload, cause.registry, cause.requirement, replayed.before, replayed.after, replayed.certainty});
    ++seen.count;
    if (seen.last_uid.empty() || recorded.time >= seen.last) {
      seen.last = recorded.time;
      seen.last_uid = recorded.admission.uid;
    }
  }
}

std::vector<ReplayTotals::Value> ReplayTotals::Sorted(const Values& values) {
  std::vector<Value> sorted;
  sorted.reserve(values.size());
  for (const auto& [value, changes] : values) {
    sorted.push_back({value, changes});
  }
  std::ranges::sort(sorted, [](const Value& a, const Value& b) {
    const auto weight_a = Weight(a.changes);
    const auto weight_b = Weight(b.changes);
    return weight_a != weight_b ? weight_a > weight_b : a.value < b.value;
  });
  return sorted;
}

std::vector<ReplayTotals::Group> ReplayTotals::Groups() const {
  std::vector<Group> groups;
  groups.reserve(groups_.size());
  for (const auto& [key, seen] : groups_) {
    const auto& [namespace_name, workload, registry, requirement, before, after, certainty] = key;
    groups.push_back({namespace_name, workload, registry, requirement, before, after, certainty, seen.count, seen.last, seen.last_uid});
  }
  std::ranges::sort(groups, {}, [](const Group& group) {
    return std::tuple(Rank(group), -group.count, std::string_view(group.namespace_name), std::string_view(group.workload),
                      std::string_view(group.registry), std::string_view(group.requirement), group.before, group.after, group.certainty);
  });
  return groups;
}

std::vector<ReplayTotals::Missing> ReplayTotals::WhatIsMissing() const {
  std::vector<Missing> missing;
  missing.reserve(missing_.size());
  for (const auto& [what, count] : missing_) {
    missing.push_back({what, count});
  }
  std::ranges::sort(missing, {}, [](const Missing& what) { return std::tuple(-what.count, std::string_view(what.what)); });
  return missing;
}

}  // namespace audit
