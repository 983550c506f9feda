// What `check`, `registries` and `explain` are told to judge by.
#pragma once

#include <cstddef>
#include <istream>
#include <memory>
#include <string>

#include "azure/credential.h"
#include "base/clock.h"
#include "base/problem.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/streams.h"
#include "policy/definition.h"
#include "policy/policy.h"
#include "state/keeper.h"
#include "state/state.h"

namespace cli {

inline constexpr std::string_view kNoInventoryNote =
    "note: there is no inventory, so every Azure registry is unknown; give --registries FILE, or --config FILE with one\n";

inline constexpr std::string_view kNoStatesNote =
    "note: what serve saved holds no states of Azure Policy's; registries --refresh reads them\n";

struct Inputs {
  std::string policy;         // "": the configuration's, else the default policy
  std::string registries;     // an inventory file; not together with `config`
  std::string config;         // serve's configuration, for its policy, definitions and inventory
  bool refresh = false;       // read Azure now, though what serve saved is there
  std::string definitions{};  // a folder of further definition files; "": the configuration's
};

// What `serve` keeps up to date, by its configuration.
state::KeeperOptions KeeperOptionsOf(const Config& config);

// What tells the meaning of an image: the policy and its definitions. An inventory file is checked; Azure is not asked.
base::Loaded<std::shared_ptr<const state::State>> LoadPolicyInputs(const Inputs& inputs, const base::Clock& clock);

// What a policy may name, and a policy that names some of it. Where something is wrong, the rest is there all the same.
struct DefinitionInputs {
  policy::DefinitionSet definitions{};
  std::shared_ptr<const policy::Policy> policy{};  // null: none was given, or it is bad
  base::Problems problems{};
};
DefinitionInputs LoadDefinitionInputs(const Inputs& inputs);

// Reads everything once; without an inventory, every ACR host is unknown. Of an inventory that comes from Azure what serve
// saved is taken, at its true age; where there is nothing, or with `refresh`, Azure is read now.
base::Loaded<std::shared_ptr<const state::State>> LoadInputs(const Inputs& inputs, const Streams& streams, const base::Clock& clock,
                                                             const azure::Environment& environment);

// The whole of a file, or of `in` for "-".
base::Result<std::string> ReadFileOrStandardInput(const std::string& file, std::istream& in, std::size_t max_bytes);

}  // namespace cli
