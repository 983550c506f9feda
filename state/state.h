// What every decision is made from, published whole so that generations never mix.
#pragma once

#include <cstdint>
#include <memory>

#include "policy/policy.h"
#include "policy/registry.h"

namespace state {

struct State {
  std::uint64_t generation = 0;
  std::shared_ptr<const policy::Policy> policy;  // never null
  policy::Facts facts;                           // judged by exactly this policy
  bool primed = false;                           // the inventory was read at least once
};

}  // namespace state
