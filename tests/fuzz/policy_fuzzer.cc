// The YAML files that people write, policy and configuration, take any bytes: they are read twice the same, or refused with a place.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "cli/config.h"
#include "policy/definition.h"
#include "policy/policy.h"
#include "tests/fuzz/require.h"

namespace {

using fuzz::Require;

// What a person could tell two policies apart by, short of deciding with them.
bool Same(const policy::Policy& a, const policy::Policy& b) {
  return a.digest == b.digest && a.requirements.size() == b.requirements.size() && a.sources.size() == b.sources.size() &&
         a.max_effect == b.max_effect && a.stale_after == b.stale_after && a.drift_grace == b.drift_grace && a.aliases == b.aliases &&
         a.namespaces.size() == b.namespaces.size() && a.exemptions.size() == b.exemptions.size();
}

// What every loaded policy keeps, whatever its text was.
void CheckPolicy(const policy::Policy& policy) {
  Require(policy.max_effect != policy::Effect::kDisabled);
  Require(policy.stale_after >= std::chrono::minutes(1) && policy.drift_grace >= std::chrono::microseconds(0));
  for (const auto& requirement : policy.requirements) {
    Require(requirement.definition != nullptr && requirement.name == requirement.definition->name);
  }
  for (const auto& rule : policy.sources) {
    Require(!rule.images.empty());
  }
  for (const auto& exemption : policy.exemptions) {
    Require(!exemption.name.empty() && !exemption.reason.empty() && !exemption.requirements.empty());
    Require(!exemption.registries.empty() || !exemption.images.empty() || !exemption.namespaces.empty());
  }
}

void CheckProblems(const base::Problems& problems, std::string_view file) {
  Require(!problems.empty());
  for (const base::Problem& problem : problems) {
    Require(problem.file == file && problem.line >= 0 && problem.column >= 0 && !problem.message.empty());
    Require((problem.line == 0) == (problem.column == 0));
  }
}

void CheckConfiguration(std::string_view text) {
  const auto config = cli::ParseConfig(text, "/etc/acr/config.yaml");
  const auto again = cli::ParseConfig(text, "/etc/acr/config.yaml");
  Require(config.has_value() == again.has_value());
  if (!config) {
    CheckProblems(config.error(), "/etc/acr/config.yaml");
    Require(base::ToString(config.error()) == base::ToString(again.error()));
    return;
  }
  Require(config->server.threads >= 0 && config->server.max_connections >= 1 && config->server.drain_delay >= std::chrono::seconds(0));
  Require(config->policy.empty() || config->policy.starts_with('/'));
  Require(config->definitions.empty() || config->definitions.starts_with('/'));
  Require(!config->audit.enabled || config->audit.database.starts_with('/') || config->audit.database == "audit.db");
  Require(config->audit.retention_bytes > 0 && config->audit.retention_age >= std::chrono::minutes(1));
  Require(!config->scan || config->kubernetes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const policy::DefinitionSet definitions = policy::DefinitionSet::WithBuiltIns();
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckConfiguration(text);
  const auto loaded = policy::LoadPolicy(text, "policy.yaml", definitions);
  const auto again = policy::LoadPolicy(text, "policy.yaml", definitions);
  Require(loaded.has_value() == again.has_value());
  if (loaded) {
    CheckPolicy(**loaded);
    Require(Same(**loaded, **again));
    return 0;
  }
  CheckProblems(loaded.error(), "policy.yaml");
  Require(base::ToString(loaded.error()) == base::ToString(again.error()));
  return 0;
}
