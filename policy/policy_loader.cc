#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"
#include "policy/exemption_loader.h"
#include "policy/image_reference.h"
#include "policy/policy.h"
#include "policy/policy_values.h"
#include "policy/registry_host.h"
#include "policy/requirement_loader.h"

namespace policy {
namespace {

using base::Quoted;
using base::YamlMapping;
using base::YamlNode;
using Names = std::vector<std::string_view>;

constexpr std::string_view kApiVersion = "acr-admission.io/v1";
constexpr std::string_view kKind = "RegistryPolicy";

// A verdict is refreshed every minute or so: below this, each would be stale before its successor is there.
constexpr std::chrono::microseconds kLeastStaleAfter = std::chrono::minutes(1);
constexpr std::chrono::microseconds kLongest = std::chrono::days(3650);

constexpr std::array<Effect, 4> kEffects = {Effect::kDeny, Effect::kWarn, Effect::kAudit, Effect::kDisabled};
const Names& EffectNames() {
  static const Names kNames = {"Deny", "Warn", "Audit", "Disabled"};
  return kNames;
}

std::string Item(std::string_view list, std::size_t index) { return std::string(list) + '[' + std::to_string(index) + ']'; }

class PolicyReader {
 public:
  PolicyReader(const YamlNode& document, std::string_view file, const DefinitionSet& definitions, const RegistrySuffixes& suffixes,
               bool compliance_states, base::Problems& problems)
      : document_(document, file, "", problems), file_(file), definitions_(definitions), problems_(problems) {
    policy_.registry_suffixes = suffixes;
    policy_.compliance_states = compliance_states;
  }

  Policy Read() {
    ReadHeader("apiVersion", kApiVersion);
    ReadHeader("kind", kKind);
    ReadRequirements();
    ReadSources();
    ReadEffect(document_, "otherRegistries", {"Deny", "Warn", "Audit", "Allow"}, &policy_.other_registries);
    ReadEffect(document_, "unknownRegistry", EffectNames(), &policy_.unknown_registry);
    ReadEffect(document_, "unknownFinding", EffectNames(), &policy_.unknown_finding);
    ReadStaleVerdict();
    document_.Optional("driftGrace", &policy_.drift_grace, std::chrono::microseconds(0), kLongest);
    ReadWorkloads();
    ReadCap(document_, &policy_.max_effect);
    ReadMessages();
    ReadAliases();
    CheckRuleHosts();
    ReadNamespaces();
    policy_.exemptions = ReadExemptions(document_, file_, policy_.requirements, definitions_, policy_.registry_suffixes, problems_);
    document_.Finish();
    return std::move(policy_);
  }

 private:
  void ReadHeader(std::string_view key, std::string_view expected) {
    const YamlNode* member = document_.RequiredMember(key);
    if (member != nullptr && member->text != expected) {
      document_.AddProblem(*member, key, "expected " + std::string(expected) + ", got " + base::Describe(*member));
    }
  }

  // `names` in the order of kEffects.
  static void ReadEffect(YamlMapping& mapping, std::string_view key, const Names& names, Effect* out) {
    std::size_t index = 0;
    if (mapping.OptionalChoice(key, names, &index)) {
      *out = kEffects[index];
    }
  }

  static void ReadCap(YamlMapping& mapping, Effect* out) { ReadEffect(mapping, "maxEffect", {"Deny", "Warn", "Audit"}, out); }

  void ReadRequirements() {
    LoadedRequirements loaded = policy::ReadRequirements(document_, file_, definitions_, problems_);
    policy_.requirements = std::move(loaded.requirements);
    policy_.initiatives = std::move(loaded.initiatives);
  }

  void ReadSources() {
    static const Names kActions = {"Allow", "Warn", "Audit", "Deny", "Verify"};
    constexpr std::array<SourceAction, 5> kValues = {SourceAction::kAllow, SourceAction::kWarn, SourceAction::kAudit, SourceAction::kDeny,
                                                     SourceAction::kVerify};
    const auto items = document_.OptionalList("sources");
    for (std::size_t i = 0; i < items.size(); ++i) {
      YamlMapping mapping(items[i], file_, Item("sources", i), problems_);
      SourceRule rule;
      rule.images = ReadPatterns(mapping, mapping.RequiredTexts("images"));
      std::size_t index = 0;
      const bool has_action = mapping.RequiredChoice("action", kActions, &index);
      if (has_action) {
        rule.action = kValues[index];
      }
      mapping.Optional("unverified", &rule.unverified);
      if (rule.unverified && has_action && (rule.action == SourceAction::kDeny || rule.action == SourceAction::kVerify)) {
        mapping.AddProblem(*mapping.Member("unverified"), "unverified",
                           "goes with the actions Allow, Warn and Audit alone, not with " + std::string(kActions[index]));
      }
      mapping.Finish();
      policy_.sources.push_back(std::move(rule));
    }
  }

  // A rule that refuses, warns or audits by one of a registry's other names is evaded by writing its login server; a rule by
  // the login server meets every name.
  void CheckRuleHosts() {
    const auto items = document_.OptionalList("sources");
    for (std::size_t i = 0; i < items.size() && i < policy_.sources.size(); ++i) {
      if (policy_.sources[i].action == SourceAction::kAllow || policy_.sources[i].action == SourceAction::kVerify) {
        continue;
      }
      for (const ImagePattern& pattern : policy_.sources[i].images) {
        const std::string login_server = LoginServerBehind(pattern.host());
        if (!login_server.empty()) {
          document_.AddProblem(items[i], Item("sources", i),
                               Quoted(pattern.text()) + " names a host that stands for " + login_server +
                                   ", which can be written instead; write the pattern with " + login_server);
        }
      }
    }
  }

  // "" for a host that is no other name of a registry's.
  std::string LoginServerBehind(const std::string& host) const {
    if (const auto alias = policy_.aliases.find(host); alias != policy_.aliases.end()) {
      return alias->second;
    }
    const RegistryHost classified = ClassifyRegistryHost(host, policy_.registry_suffixes);
    return classified.kind == RegistryHost::Kind::kAcr && classified.login_server != host ? classified.login_server : std::string();
  }

  void ReadStaleVerdict() {
    if (const YamlNode* member = document_.Member("staleVerdict")) {
      YamlMapping mapping(*member, file_, "staleVerdict", problems_);
      mapping.Optional("after", &policy_.stale_after, kLeastStaleAfter, kLongest);
      ReadEffect(mapping, "effect", EffectNames(), &policy_.stale_effect);
      mapping.Finish();
    }
  }

  void ReadWorkloads() {
    constexpr std::array<WorkloadMode, 3> kModes = {WorkloadMode::kDeny, WorkloadMode::kWarn, WorkloadMode::kOff};
    std::size_t index = 0;
    if (document_.OptionalChoice("workloads", {"Deny", "Warn", "Off"}, &index)) {
      policy_.workloads = kModes[index];
    }
  }

  void ReadMessages() {
    std::size_t index = 0;
    if (document_.OptionalChoice("messages", {"brief", "full"}, &index)) {
      policy_.messages = index == 0 ? MessageDetail::kBrief : MessageDetail::kFull;
    }
  }

  void ReadAliases() {
    const YamlNode* member = document_.Member("aliases");
    if (member == nullptr) {
      return;
    }
    YamlMapping mapping(*member, file_, "aliases", problems_);
    for (const auto& [key, value] : member->members) {
      const auto host = ReadAliasHost(mapping, key);
      if (value.kind != YamlNode::Kind::kScalar) {
        mapping.AddProblem(value, key.text, "expected an ACR login server such as contoso.azurecr.io, got " + base::Describe(value));
        continue;
      }
      const auto target = ReadLoginServer(mapping, value, base::Printable(key.text, kMaxShownHost), policy_.registry_suffixes);
      if (host && target && !policy_.aliases.emplace(*host, *target).second) {
        mapping.AddProblem(key, "", Quoted(key.text) + " is the host " + Quoted(*host) + ", which has an alias already");
      }
    }
  }

  // Folded as the registry of an image reference is, by the same code: "IMAGES.contoso.com:443" is "images.contoso.com".
  std::optional<std::string> ReadAliasHost(YamlMapping& mapping, const YamlNode& key) const {
    constexpr std::string_view kRepository = "x";
    const auto reference = ParseImageReference(key.text + '/' + std::string(kRepository));
    if (!reference || reference->repository != kRepository) {
      mapping.AddProblem(key, "", "expected a registry host such as images.contoso.com, got " + Quoted(key.text));
      return std::nullopt;
    }
    if (IsUnderRegistrySuffix(reference->registry, policy_.registry_suffixes)) {
      mapping.AddProblem(key, "",
                         Quoted(key.text) + " lies under a registry suffix of Azure, where every host stands for its own registry; " +
                             "an alias is another host, such as images.contoso.com");
      return std::nullopt;
    }
    return reference->registry;
  }

  void ReadNamespaces() {
    std::map<std::string, int> lines;
    const auto items = document_.OptionalList("namespaces");
    for (std::size_t i = 0; i < items.size(); ++i) {
      YamlMapping mapping(items[i], file_, Item("namespaces", i), problems_);
      std::vector<std::string> names;
      Effect max_effect = Effect::kWarn;
      for (const YamlMapping::Text& text : mapping.RequiredTexts("names")) {
        auto name = ReadNamespace(mapping, text);
        if (!name) {
          continue;
        }
        const auto [first, is_new] = lines.emplace(*name, text.node->line);
        if (!is_new) {
          mapping.AddProblem(*text.node, text.path,
                             "the namespace " + Quoted(*name) + " has a cap already, in line " + std::to_string(first->second));
        }
        names.push_back(std::move(*name));
      }
      ReadCap(mapping, &max_effect);
      mapping.Finish();
      for (std::string& name : names) {
        policy_.namespaces.emplace(std::move(name), max_effect);
      }
    }
  }

  static constexpr std::size_t kMaxShownHost = 80;

  YamlMapping document_;
  const std::string_view file_;
  const DefinitionSet& definitions_;
  base::Problems& problems_;
  Policy policy_;
};

}  // namespace

base::Loaded<std::shared_ptr<const Policy>> LoadPolicy(std::string_view text, std::string_view file, const DefinitionSet& definitions,
                                                       const RegistrySuffixes& suffixes, bool compliance_states) {
  const auto document = base::ParseYaml(text, file);
  if (!document) {
    return tl::unexpected(document.error());
  }
  if (document->kind == YamlNode::Kind::kNull) {
    const std::string message = "is empty; expected a policy that begins with apiVersion: " + std::string(kApiVersion);
    return tl::unexpected(base::Problems{{std::string(file), 0, 0, message}});
  }
  base::Problems problems;
  Policy policy = PolicyReader(*document, file, definitions, suffixes, compliance_states, problems).Read();
  if (!problems.empty()) {
    base::SortByPlace(problems);
    return tl::unexpected(std::move(problems));
  }
  policy.digest = base::Sha256(text);
  return std::make_shared<const Policy>(std::move(policy));
}

}  // namespace policy
