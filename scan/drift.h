// How registries' verdicts turned, in words for Events: one for each registry and each way in which any of its verdicts turned. Pure.
#pragma once

#include <string>
#include <vector>

#include "policy/policy.h"
#include "policy/registry.h"
#include "policy/verdict.h"

namespace scan {

struct Drift {
  std::string login_server{};
  bool gone = false;                                               // there is no such registry any more
  policy::FindingResult result = policy::FindingResult::kUnknown;  // what they are now
  std::vector<std::string> requirements{};                         // whose verdicts turned, in the policy's order
  std::string note{};  // "contoso.azurecr.io does not meet private-link any more: …; to mend: …": by the policy's `messages`, bounded

  bool operator==(const Drift&) const = default;
};

// By login server. `after` was judged by `policy`; what is no change is policy/verdict_change.h's to say.
std::vector<Drift> DriftsOf(const policy::Facts& before, const policy::Facts& after, const policy::Policy& policy);

}  // namespace scan
