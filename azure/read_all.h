// Reads everything once: what a command shows that is run by a person.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "azure/credential.h"
#include "azure/live_inventory.h"
#include "policy/registry.h"

namespace azure {

// Of a subscription's lists of children: after these the rest is not asked for, or thousands of attempts would be waited for.
inline constexpr int kMaxChildFailuresInARow = 5;

struct Everything {
  std::vector<policy::Registry> registries;        // by login server; of two the one that was observed later
  std::vector<policy::SubscriptionStates> states;  // of Azure Policy's, where a source reads them
  std::vector<std::string> problems;               // what could not be read, whose it is, and what to do
  std::size_t subscriptions = 0;                   // that were to be read
};

struct ReadProgress {
  std::size_t subscriptions = 0;  // known so far
  std::size_t read = 0;           // of them, well or not
  std::size_t registries = 0;
  std::size_t children = 0;  // lists of them, well or not
};

// Blocks until all has been read or has failed. `wait` between the attempts; it is also how the reading is cut short.
// Of each registry the `children` of those kinds are read too, and come with it. `progress` is called after every answer, one call at a
// time, on any of this call's threads.
Everything ReadAll(const std::vector<LiveInventory::Source>& sources, const std::set<std::string>& children, const Wait& wait,
                   const std::function<void(const ReadProgress&)>& progress);

}  // namespace azure
