// What `kubectl get registrycompliances` shows: one object a registry. Pure.
// The resource's schema and columns are the chart's: templates/registrycompliancecrd.yaml.
#pragma once

#include <nlohmann/json.hpp>

#include "base/time.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "scan/usage.h"

namespace scan {

inline constexpr const char* kComplianceGroup = "acr-admission.io";
inline constexpr const char* kComplianceVersion = "v1alpha1";
inline constexpr const char* kComplianceResource = "registrycompliances";
inline constexpr const char* kComplianceKind = "RegistryCompliance";

// A registry that is looked at every minute, and found the same each time, is not written every minute: what `observed` says is at
// most this much too old.
inline constexpr std::chrono::hours kObservedStep{1};

// The object without its status, which makes it: named as the login server.
nlohmann::json MakeCompliance(const policy::RegistryFacts& facts);

// The object with its status: a condition `Compliant` of all requirements in force, and one by the name of each, True, False or
// Unknown, with evidence and remedy by the policy's `messages`. `stored` is the object that is there, null for none: conditions that
// have not turned keep their times. What has not changed makes the same status, but for `observed` after kObservedStep.
// https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties
nlohmann::json MakeComplianceStatus(const policy::RegistryFacts& facts, const policy::Policy& policy, const Usage& usage,
                                    const nlohmann::json& stored, base::Time now);

}  // namespace scan
