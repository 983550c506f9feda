#include "cli/definitions_import.h"

#include <memory>
#include <string_view>
#include <utility>

#include "azure/policy_assignments.h"
#include "base/file.h"
#include "base/problem.h"
#include "base/text.h"
#include "cli/azure_source.h"
#include "cli/config.h"
#include "cli/imported_folder.h"
#include "policy/policy_import.h"
#include "state/load.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShownProblems = 50;  // of one cause there may be hundreds
constexpr std::size_t kMaxProblemText = 2048;
constexpr std::size_t kMaxPolicyBytes = std::size_t{1} << 20;

base::Problems Because(const base::Error& error) { return {{"", 0, 0, error.ToString()}}; }

void Show(const std::vector<std::string>& problems, std::ostream& err) {
  for (std::size_t i = 0; i < problems.size() && i < kMaxShownProblems; ++i) {
    err << base::Printable(problems[i], kMaxProblemText) << '\n';
  }
  if (problems.size() > kMaxShownProblems) {
    err << "and " << problems.size() - kMaxShownProblems << " more\n";
  }
}

// Where to look: what the command was told, or the configuration.
base::Result<azure::Scope> ScopeOf(const DefinitionsImportArguments& arguments, const InventoryConfig& inventory) {
  azure::Scope scope{arguments.subscriptions, arguments.management_groups};
  if (scope.subscriptions.empty() && scope.management_groups.empty()) {
    for (const AzureIdentity& identity : inventory.identities) {
      const azure::Scope& more = identity.scope;
      scope.subscriptions.insert(scope.subscriptions.end(), more.subscriptions.begin(), more.subscriptions.end());
      scope.management_groups.insert(scope.management_groups.end(), more.management_groups.begin(), more.management_groups.end());
    }
  }
  if (scope.subscriptions.empty() && scope.management_groups.empty()) {
    return base::Fail(base::ErrorCode::kInvalidArgument, arguments.config + ": its scopes name no subscription and no management group",
                      "say which with --subscription or --management-group");
  }
  return scope;
}

struct Imported {
  policy::ImportedPolicy policy;
  std::string text;  // of the policy file
  ImportedFolder folder;
};

base::Loaded<policy::ImportedPolicy> ReadAzure(const DefinitionsImportArguments& arguments, const InventoryConfig& inventory,
                                               const base::Clock& clock, const azure::Environment& environment, std::ostream& err) {
  const auto scope = ScopeOf(arguments, inventory);
  if (!scope) {
    return tl::unexpected(Because(scope.error()));
  }
  const auto source = AzureSource::Create(inventory, environment, clock);
  if (!source) {
    return tl::unexpected(Because(source.error()));
  }
  const azure::PolicyAssignments read =
      azure::ReadPolicyAssignments((*source)->arms(), *scope, [&](std::chrono::milliseconds time) { return (*source)->Wait(time); }, clock);
  if (!read.problems.empty()) {
    Show(read.problems, err);
    return tl::unexpected(Because({base::ErrorCode::kUnavailable, "not everything that is assigned could be read, so nothing was written",
                                   "mend what is said above; docs/import.md tells what the identity needs"}));
  }
  return policy::ImportPolicy(read.assigned, clock.Now());
}

// All but the writing.
base::Loaded<Imported> Import(const DefinitionsImportArguments& arguments, const base::Clock& clock, const azure::Environment& environment,
                              std::ostream& err) {
  const auto config = LoadConfig(arguments.config);
  if (!config) {
    return tl::unexpected(config.error());
  }
  const InventoryConfig& inventory = config->inventory;
  if (inventory.source != InventorySource::kAzure) {
    return tl::unexpected(Because({base::ErrorCode::kInvalidArgument, arguments.config + ": inventory.source is file",
                                   "name a configuration whose inventory is read from Azure, for its cloud and credentials"}));
  }
  std::string base_text(policy::DefaultImportBase());
  if (!arguments.policy.empty()) {
    auto text = base::ReadFile(arguments.policy, kMaxPolicyBytes);
    if (!text) {
      return tl::unexpected(Because(text.error()));
    }
    base_text = *std::move(text);
  }
  if (const auto early = policy::ComposeImportedPolicy(base_text, arguments.policy, {}); !early) {
    return tl::unexpected(early.error());
  }
  auto folder = ImportedFolder::Open(arguments.output);
  if (!folder) {
    return tl::unexpected(Because(folder.error()));
  }
  auto policy = ReadAzure(arguments, inventory, clock, environment, err);
  if (!policy) {
    return tl::unexpected(std::move(policy.error()));
  }
  auto text = policy::ComposeImportedPolicy(base_text, arguments.policy, *policy);
  if (!text) {
    return tl::unexpected(std::move(text.error()));
  }
  const auto files = folder->FilesWith(policy->definitions);
  if (!files) {
    return tl::unexpected(Because(files.error()));
  }
  // What serve would do with it.
  const auto loaded =
      state::LoadPolicyWithDefinitions(*text, folder->policy_file(), *files,
                                       policy::RegistrySuffixes().With(inventory.cloud.registry_suffixes), inventory.compliance_states);
  if (!loaded) {
    return tl::unexpected(loaded.error());
  }
  return Imported{*std::move(policy), *std::move(text), *std::move(folder)};
}

}  // namespace

int RunDefinitionsImport(const DefinitionsImportArguments& arguments, const Streams& streams, const base::Clock& clock,
                         const azure::Environment& environment) {
  const auto imported = Import(arguments, clock, environment, streams.err);
  if (!imported) {
    streams.err << base::ToString(imported.error()) << '\n';
    return kExitError;
  }
  const auto changes = imported->folder.Write(imported->policy.definitions, imported->text);
  if (!changes) {
    streams.err << changes.error().ToString() << '\n';
    return kExitError;
  }
  for (const std::string& path : changes->kept) {
    streams.err << path << ": is no longer assigned, but was changed by hand, so it stays\n";
  }
  if (imported->policy.requirements == 0) {
    streams.err << "note: nothing about registries is assigned there, so the policy requires nothing\n";
  }
  Show(imported->policy.problems, streams.err);
  streams.out << imported->folder.policy_file() << ": " << (changes->policy_changed ? "changed" : "as it was") << ", "
              << imported->policy.requirements << " requirements, " << imported->policy.exemptions << " exemptions\n"
              << imported->folder.definitions_folder() << ": " << changes->added << " new, " << changes->changed << " changed, "
              << changes->removed << " removed, " << changes->unchanged << " as they were\n";
  if (!imported->policy.problems.empty()) {
    streams.out << imported->policy.problems.size() << " left out\n";
    return kExitLeftOut;
  }
  return kExitOk;
}

}  // namespace cli
