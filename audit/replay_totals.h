// What many replayed admissions come to. Memory is bounded whatever is added.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "audit/recorded_admission.h"
#include "audit/replay.h"
#include "base/time.h"
#include "policy/decision.h"

namespace audit {

// Admissions that would be decided otherwise.
struct ReplayChanges {
  std::int64_t denied = 0;            // that were not
  std::int64_t warned = 0;            // about, that were allowed
  std::int64_t no_longer_denied = 0;  // but allowed, or warned about
  std::int64_t no_longer_warned = 0;  // but allowed
  std::int64_t untold = 0;            // perhaps

  std::int64_t sum() const { return denied + warned + no_longer_denied + no_longer_warned + untold; }
};

class ReplayTotals {
 public:
  struct Value {
    std::string value;
    ReplayChanges changes;
  };

  // Admissions of one workload that would be decided otherwise in the same way, for the same reason. One that has several reasons
  // is in several groups.
  struct Group {
    std::string namespace_name, workload, registry, requirement;
    policy::DecisionKind before = policy::DecisionKind::kAllowed;
    policy::DecisionKind after = policy::DecisionKind::kAllowed;  // kUntold: the strongest that it can be
    Certainty certainty = Certainty::kExact;
    std::int64_t count = 0;
    base::Time last{};
    std::string last_uid;
  };

  struct Missing {
    std::string what;
    std::int64_t count = 0;
  };

  void Add(const RecordedAdmission& recorded, const Replayed& replayed);

  std::int64_t admissions() const { return admissions_; }
  std::int64_t allowed_before() const { return allowed_before_; }
  std::int64_t same() const { return admissions_ - changes_.sum(); }
  std::int64_t estimated() const { return estimated_; }            // the same or not
  std::int64_t perhaps_denied() const { return perhaps_denied_; }  // of those that are untold, and were not denied
  const ReplayChanges& changes() const { return changes_; }

  // Most denials first. Beyond what is counted singly, values are counted together under kOtherValues.
  std::vector<Value> ByRegistry() const { return Sorted(by_registry_); }
  std::vector<Value> ByNamespace() const { return Sorted(by_namespace_); }
  std::vector<Group> Groups() const;
  // What records that could not be replayed exactly lack; most first.
  std::vector<Missing> WhatIsMissing() const;

 private:
  using Values = std::map<std::string, ReplayChanges, std::less<>>;
  using Key = std::tuple<std::string, std::string, std::string, std::string, policy::DecisionKind, policy::DecisionKind, Certainty>;
  struct Seen {
    std::int64_t count = 0;
    base::Time last{};
    std::string last_uid;
  };

  static ReplayChanges& Of(Values& values, std::string_view value);
  static std::vector<Value> Sorted(const Values& values);
  Seen& SeenOf(Key key);

  std::int64_t admissions_ = 0;
  std::int64_t allowed_before_ = 0;
  std::int64_t estimated_ = 0;
  std::int64_t perhaps_denied_ = 0;
  ReplayChanges changes_;
  Values by_registry_, by_namespace_;
  std::map<Key, Seen> groups_;
  std::map<std::string, std::int64_t, std::less<>> missing_;
};

}  // namespace audit
