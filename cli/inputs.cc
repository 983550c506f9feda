#include "cli/inputs.h"

#include <array>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/yaml.h"
#include "cli/live_registries.h"
#include "state/definitions_folder.h"
#include "state/load.h"

namespace cli {
namespace {

// The inputs, with what the configuration says where they say nothing.
struct Resolved {
  state::KeeperOptions options;
  std::optional<InventoryConfig> azure;  // where the registries are to be read from Azure
};

base::Loaded<Resolved> Resolve(const Inputs& inputs) {
  Resolved resolved;
  if (!inputs.config.empty()) {
    base::Loaded<Config> config = LoadConfig(inputs.config);
    if (!config) {
      return tl::unexpected(std::move(config).error());
    }
    resolved.options = KeeperOptionsOf(*config);
    if (config->inventory.source == InventorySource::kAzure) {
      resolved.azure = std::move(config->inventory);
    }
  }
  if (!inputs.policy.empty()) {
    resolved.options.policy_file = inputs.policy;
  }
  if (!inputs.definitions.empty()) {
    resolved.options.definitions_folder = inputs.definitions;
  }
  if (!inputs.registries.empty()) {
    resolved.options.inventory_file = inputs.registries;
  }
  return resolved;
}

}  // namespace

state::KeeperOptions KeeperOptionsOf(const Config& config) {
  const InventoryConfig& inventory = config.inventory;
  return {.policy_file = config.policy,
          .definitions_folder = config.definitions,
          .inventory_file = inventory.file,
          .saved_file = inventory.saved,
          .registry_suffixes = policy::RegistrySuffixes().With(inventory.cloud.registry_suffixes),
          .hidden_members = inventory.source == InventorySource::kAzure ? policy::HiddenMembers::kUnknown : policy::HiddenMembers::kAsAzure,
          .compliance_states = inventory.compliance_states};
}

base::Loaded<std::shared_ptr<const state::State>> LoadPolicyInputs(const Inputs& inputs, const base::Clock& clock) {
  auto resolved = Resolve(inputs);
  if (!resolved) {
    return tl::unexpected(std::move(resolved).error());
  }
  resolved->options.saved_file.clear();
  return state::LoadOnce(resolved->options, clock);
}

DefinitionInputs LoadDefinitionInputs(const Inputs& inputs) {
  DefinitionInputs read;
  const auto resolved = Resolve(inputs);
  if (!resolved) {
    read.problems = resolved.error();
    return read;
  }
  const state::KeeperOptions& options = resolved->options;
  state::DefinitionsFolder folder(options.definitions_folder);
  folder.Poll();
  state::LoadedDefinitions loaded = state::LoadDefinitions(folder.files());
  read.definitions = std::move(loaded.definitions);
  read.problems = std::move(loaded.problems);
  if (folder.error()) {
    read.problems.push_back(state::ToProblem(options.definitions_folder, *folder.error()));
  }
  if (inputs.policy.empty() && inputs.config.empty()) {
    return read;
  }
  const base::Result<std::string> text =
      options.policy_file.empty() ? std::string(policy::DefaultPolicyText()) : base::ReadFile(options.policy_file, base::kMaxYamlBytes);
  if (!text) {
    read.problems.push_back(state::ToProblem(options.policy_file, text.error()));
    return read;
  }
  auto policy = policy::LoadPolicy(*text, options.policy_file, read.definitions, options.registry_suffixes, options.compliance_states);
  if (policy) {
    read.policy = std::move(*policy);
  } else {
    read.problems.insert(read.problems.end(), policy.error().begin(), policy.error().end());
  }
  return read;
}

base::Loaded<std::shared_ptr<const state::State>> LoadInputs(const Inputs& inputs, const Streams& streams, const base::Clock& clock,
                                                             const azure::Environment& environment) {
  const auto resolved = Resolve(inputs);
  if (!resolved) {
    return tl::unexpected(resolved.error());
  }
  auto state = state::LoadOnce(resolved->options, clock);
  if (!state || !resolved->azure) {
    return state;
  }
  if ((*state)->primed && !inputs.refresh) {
    streams.err << (resolved->azure->compliance_states ? kNoStatesNote : "");
    return state;
  }
  auto read = ReadLiveRegistries(*resolved->azure, policy::NeededChildKinds(*(*state)->policy), environment, streams, clock);
  if (!read) {
    return tl::unexpected(base::Problems{{inputs.config, 0, 0, read.error().ToString()}});
  }
  return state::LoadOnce(resolved->options, clock, std::move(*read));
}

base::Result<std::string> ReadFileOrStandardInput(const std::string& file, std::istream& in, std::size_t max_bytes) {
  if (file != "-") {
    return base::ReadFile(file, max_bytes);
  }
  std::string text;
  std::array<char, 64 * 1024> chunk{};
  while (text.size() <= max_bytes && (in.read(chunk.data(), chunk.size()), in.gcount() > 0)) {
    text.append(chunk.data(), static_cast<std::size_t>(in.gcount()));
  }
  if (in.bad()) {
    return base::Fail(base::ErrorCode::kUnavailable, "standard input: cannot be read");
  }
  if (text.size() > max_bytes) {
    return base::Fail(base::ErrorCode::kInvalidArgument, "standard input: more than " + std::to_string(max_bytes) + " bytes",
                      "give it in parts");
  }
  return text;
}

}  // namespace cli
