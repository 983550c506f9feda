// A verdict that turned, for tests that look at what becomes of its record.
#pragma once

#include <string>

#include "audit/verdict_record.h"
#include "base/time.h"
#include "tests/audit/sample_records.h"

namespace support {

// Points into itself.
struct SampleChange {
  policy::Policy policy;
  policy::RegistryFacts before, after;
  policy::Finding from, to;
  audit::ChangeContext context{At("2026-11-24T09:00:00.123456Z"), "prod-weu", "acr-admission-6c9"};
  bool gone = false;

  // The change that tests/data/audit_verdict_record.json tells of.
  SampleChange() {
    policy.digest = "sha256:00ff";
    before.registry.login_server = "contoso.azurecr.io";
    before.registry.resource_id =
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";
    before.registry.observed = At("2026-11-24T08:58:30Z");
    after = before;
    after.registry.observed = At("2026-11-24T08:59:31Z");
    from.requirement = "public-network-access-disabled";
    from.rule = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    from.definition_id = "/providers/Microsoft.Authorization/policyDefinitions/0fdf0491-d080-4575-b627-ad0e843cba0f";
    from.effect = policy::Effect::kDeny;
    from.result = policy::FindingResult::kCompliant;
    to = from;
    to.result = policy::FindingResult::kNonCompliant;
    to.evidence = {{"publicNetworkAccess", "\"Enabled\"", "Disabled", true}};
  }

  audit::Record Make() const { return audit::MakeVerdictRecord({&before, gone ? nullptr : &after, &from, &to}, policy, context); }
};

// Of that registry, seen at that time.
inline audit::Record ChangeAt(base::Time time, const std::string& login_server = "contoso.azurecr.io") {
  SampleChange sample;
  sample.before.registry.login_server = sample.after.registry.login_server = login_server;
  sample.after.registry.observed = sample.context.time = time;
  return sample.Make();
}

}  // namespace support
