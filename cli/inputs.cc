#include "cli/inputs.h"

#include <array>
#include <utility>

#include "base/file.h"

namespace cli {

state::KeeperOptions KeeperOptionsOf(const Config& config) {
  const InventoryConfig& inventory = config.inventory;
  return {
      .policy_file = config.policy,
      .definitions_folder = config.definitions,
      .inventory_file = inventory.file,
      .saved_file = inventory.saved,
      .registry_suffixes = policy::RegistrySuffixes().With(inventory.cloud.registry_suffixes),
      .hidden_members = inventory.source == InventorySource::kAzure ? policy::HiddenMembers::kUnknown : policy::HiddenMembers::kAsAzure};
}

base::Loaded<std::shared_ptr<const state::State>> LoadInputs(const Inputs& inputs, const base::Clock& clock) {
  state::KeeperOptions options;
  if (!inputs.config.empty()) {
    base::Loaded<Config> config = LoadConfig(inputs.config);
    if (!config) {
      return tl::unexpected(std::move(config).error());
    }
    options = KeeperOptionsOf(*config);
  }
  if (!inputs.policy.empty()) {
    options.policy_file = inputs.policy;
  }
  if (!inputs.registries.empty()) {
    options.inventory_file = inputs.registries;
  }
  return state::LoadOnce(options, clock);
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
