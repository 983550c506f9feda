#include "state/merge.h"

#include <memory>
#include <utility>

#include "base/text.h"
#include "state/load.h"

namespace state {

policy::Facts Merge(policy::Facts known, policy::Observations learned, const policy::Policy& policy, base::Time now,
                    policy::HiddenMembers hidden) {
  const auto is_later = [now](const policy::RegistryFacts* before, base::Time than) {
    return before != nullptr && before->registry.observed > than && before->registry.observed <= now;
  };
  for (policy::Registry& registry : learned.present) {
    const policy::RegistryFacts* const before = known.Find(registry.login_server);
    if (!is_later(before, registry.observed)) {
      known.Add(JudgeOne(std::move(registry), policy, before, /*same_policy=*/true, hidden));
    }
  }
  for (const policy::GoneRegistry& gone : learned.gone) {
    const policy::RegistryFacts* const before = known.Find(gone.login_server);
    if (before != nullptr && !is_later(before, gone.asked) && base::EqualsIgnoreAsciiCase(before->registry.resource_id, gone.resource_id)) {
      known.Remove(gone.login_server);
    }
  }
  return known;
}

}  // namespace state
