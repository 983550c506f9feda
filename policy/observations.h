// What a source of registries has learned since it last told: how the facts change by it.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "policy/compliance_state.h"
#include "policy/registry.h"

namespace policy {

// A registry that is known not to be there any more.
struct GoneRegistry {
  std::string login_server;
  std::string resource_id;  // which resource is gone: the login server may be another one's already
  base::Time asked{};       // when the source was asked: what was observed later stays
};

// What was read of one registry's children. It says nothing of the registry itself, nor that it is there.
struct ObservedChildren {
  std::string login_server;
  std::string resource_id;  // they are of this very resource
  ChildLists lists;
};

struct Observations {
  std::vector<Registry> present;  // each with the time at which it was observed
  std::vector<GoneRegistry> gone;
  bool complete = false;  // with these, all that the source has was read at least once
  std::vector<SubscriptionStates> states{};
  std::vector<ObservedChildren> children{};

  bool empty() const { return present.empty() && gone.empty() && !complete && states.empty() && children.empty(); }
};

}  // namespace policy
