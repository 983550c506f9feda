#include "cli/inventory_config.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include "azure/credential_settings.h"
#include "azure/resource_id.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/config_values.h"

namespace cli {
namespace {

using azure::CredentialKind;
using azure::CredentialOptions;
using base::YamlMapping;
using base::YamlNode;
using std::chrono::microseconds;

constexpr std::string_view kSection = "inventory";

// A look at a file costs little, a read of all registries some hundred requests out of a quota that others share.
constexpr microseconds kShortestLook = std::chrono::milliseconds(100);
constexpr microseconds kShortestRead = std::chrono::seconds(10);
constexpr microseconds kDefaultRead = std::chrono::seconds(60);
constexpr microseconds kLongestRefresh = std::chrono::hours(24);
constexpr microseconds kShortestDiscovery = std::chrono::minutes(1);
constexpr microseconds kLongestDiscovery = std::chrono::hours(24);
constexpr microseconds kLongestPriming = std::chrono::hours(1);

struct CredentialKey {
  std::string_view name;
  std::string CredentialOptions::* value;
  bool is_path;
};
constexpr std::array<CredentialKey, 5> kCredentialKeys = {{
    {"tenantId", &CredentialOptions::tenant_id, false},
    {"clientId", &CredentialOptions::client_id, false},
    {"clientSecretFile", &CredentialOptions::client_secret_file, true},
    {"clientCertificateFile", &CredentialOptions::client_certificate_file, true},
    {"federatedTokenFile", &CredentialOptions::federated_token_file, true},
}};

// Whether a credential of the kind has a use for the key.
bool Takes(CredentialKind kind, std::string_view key) {
  switch (kind) {
    case CredentialKind::kAuto:
      break;
    case CredentialKind::kWorkloadIdentity:
      return key == "tenantId" || key == "clientId" || key == "federatedTokenFile";
    case CredentialKind::kManagedIdentity:
      return key == "clientId";
    case CredentialKind::kClientSecret:
      return key == "tenantId" || key == "clientId" || key == "clientSecretFile";
    case CredentialKind::kClientCertificate:
      return key == "tenantId" || key == "clientId" || key == "clientCertificateFile";
  }
  return true;
}

// "2025-11-01" or "2026-03-01-preview": the form of all versions of Resource Manager's.
bool IsApiVersion(std::string_view text) {
  constexpr std::size_t kDate = std::string_view("2025-11-01").size();
  const std::string_view rest = text.substr(std::min(text.size(), kDate));
  return text.size() >= kDate && base::ParseTime(text.substr(0, kDate)) && (rest.empty() || rest == "-preview");
}

class InventoryReader {
 public:
  InventoryReader(const YamlNode& node, const std::string& file, const std::filesystem::path& folder, base::Problems& problems)
      : section_(node, file, std::string(kSection), problems), file_(file), folder_(folder), problems_(problems) {}

  InventoryConfig Read() {
    const bool chosen =
        ReadChoice(section_, "source", &inventory_.source, {{"file", InventorySource::kFile}, {"azure", InventorySource::kAzure}});
    if (!chosen && section_.node().Find("source") != nullptr) {
      Pass();
    } else if (inventory_.source == InventorySource::kAzure) {
      Refuse(kFileKeys, "belongs to source: file, and the source is azure; leave it out, or write source: file");
      ReadAzure();
    } else {
      Refuse(kAzureKeys, "belongs to source: azure, and the source is file; leave it out, or write source: azure");
      ReadRequiredPath(section_, "file", folder_, &inventory_.file);
      section_.Optional("refresh", &inventory_.refresh, kShortestLook, kLongestRefresh);
    }
    section_.Optional("primeTimeout", &inventory_.prime_timeout, microseconds(0), kLongestPriming);
    ReadPath(section_, "saved", folder_, &inventory_.saved);
    section_.Finish();
    return std::move(inventory_);
  }

 private:
  static constexpr std::array<std::string_view, 1> kFileKeys = {"file"};
  static constexpr std::array<std::string_view, 6> kAzureKeys = {"cloud", "apiVersion", "ca", "discovery", "complianceStates", "azure"};

  // The source is not understood: which keys belong to it, nobody can tell.
  void Pass() {
    for (const std::string_view key : kFileKeys) {
      section_.Member(key);
    }
    for (const std::string_view key : kAzureKeys) {
      section_.Member(key);
    }
    section_.Member("refresh");
  }

  void Refuse(std::span<const std::string_view> keys_of_the_other, std::string_view why) {
    for (const std::string_view key : keys_of_the_other) {
      if (const YamlNode* member = section_.Member(key)) {
        section_.AddProblem(*member, key, why);
      }
    }
  }

  void ReadAzure() {
    inventory_.refresh = kDefaultRead;
    section_.Optional("refresh", &inventory_.refresh, kShortestRead, kLongestRefresh);
    section_.Optional("discovery", &inventory_.discovery, kShortestDiscovery, kLongestDiscovery);
    section_.Optional("complianceStates", &inventory_.compliance_states);
    ReadPath(section_, "ca", folder_, &inventory_.ca);
    if (section_.Optional("apiVersion", &inventory_.api_version) && !IsApiVersion(inventory_.api_version)) {
      section_.AddProblem(*section_.Member("apiVersion"), "apiVersion",
                          "expected a date such as 2025-11-01, or one with -preview after it, got " + base::Quoted(inventory_.api_version));
    }
    ReadCloud();
    ReadIdentities();
  }

  void ReadCloud() {
    const YamlNode* member = section_.Member("cloud");
    auto cloud = azure::FindCloud("AzureCloud");
    if (member != nullptr && member->kind == YamlNode::Kind::kScalar) {
      cloud = azure::FindCloud(member->text);
    } else if (member != nullptr) {
      const std::optional<azure::Cloud> custom = ReadCustomCloud(*member);
      if (!custom) {
        return;
      }
      cloud = azure::CheckCloud(*custom);
    }
    if (cloud) {
      inventory_.cloud = *std::move(cloud);
    } else {
      section_.AddProblem(*member, "cloud", cloud.error().ToString());
    }
  }

  std::optional<azure::Cloud> ReadCustomCloud(const YamlNode& node) {
    if (node.kind != YamlNode::Kind::kMapping) {
      section_.AddProblem(
          node, "cloud",
          "expected the name of a cloud, or its name, resourceManager, authority and registrySuffixes, got " + base::Describe(node));
      return std::nullopt;
    }
    YamlMapping mapping(node, file_, section_.PathOf("cloud"), problems_);
    azure::Cloud cloud;
    const bool named = mapping.Required("name", &cloud.name);
    const bool has_resource_manager = mapping.Required("resourceManager", &cloud.resource_manager);
    const bool has_authority = mapping.Required("authority", &cloud.authority);
    mapping.RequiredMember("registrySuffixes");
    for (const auto& [suffix, path] : ReadTexts(mapping, "registrySuffixes", kMaxRegistrySuffixes)) {
      cloud.registry_suffixes.push_back(suffix->text);
    }
    mapping.Finish();
    const bool whole = named && has_resource_manager && has_authority && !cloud.registry_suffixes.empty();
    return whole ? std::make_optional(std::move(cloud)) : std::nullopt;
  }

  void ReadIdentities() {
    if (section_.Member("azure") == nullptr) {
      inventory_.identities.emplace_back();  // `auto`, and all that it can see
      return;
    }
    const auto items = section_.RequiredList("azure");
    if (items.size() > kMaxIdentities) {
      section_.AddProblem(*section_.Member("azure"), "azure", TooMany(kMaxIdentities, items.size()));
      return;
    }
    for (std::size_t i = 0; i < items.size(); ++i) {
      YamlMapping mapping(items[i], file_, section_.PathOf("azure[" + std::to_string(i) + "]"), problems_);
      AzureIdentity& identity = inventory_.identities.emplace_back();
      if (const YamlNode* node = mapping.Member("credential")) {
        YamlMapping credential(*node, file_, mapping.PathOf("credential"), problems_);
        ReadCredential(credential, identity.credential);
      }
      if (const YamlNode* node = mapping.Member("scope")) {
        YamlMapping scope(*node, file_, mapping.PathOf("scope"), problems_);
        ReadScope(scope, identity.scope);
      }
      mapping.Finish();
    }
  }

  void ReadCredential(YamlMapping& mapping, CredentialOptions& credential) const {
    ReadChoice(mapping, "kind", &credential.kind,
               {{"auto", CredentialKind::kAuto},
                {"workloadIdentity", CredentialKind::kWorkloadIdentity},
                {"managedIdentity", CredentialKind::kManagedIdentity},
                {"clientSecret", CredentialKind::kClientSecret},
                {"clientCertificate", CredentialKind::kClientCertificate}});
    for (const CredentialKey& key : kCredentialKeys) {
      const YamlNode* member = mapping.Member(key.name);
      if (member != nullptr && !Takes(credential.kind, key.name)) {
        mapping.AddProblem(*member, key.name, "is of no use to a credential of this kind; leave it out");
      } else if (key.is_path) {
        ReadPath(mapping, key.name, folder_, &(credential.*key.value));
      } else if (mapping.Optional(key.name, &(credential.*key.value)) && !azure::IsEntraId(credential.*key.value)) {
        mapping.AddProblem(*member, key.name, "expected an id of 8-4-4-4-12 hexadecimal digits, got " + base::Quoted(member->text));
      }
    }
    mapping.Finish();
  }

  void ReadScope(YamlMapping& mapping, azure::Scope& scope) {
    ReadScopeMembers(mapping, "subscriptions", azure::IsSubscriptionId, "a subscription's id, 8-4-4-4-12 hexadecimal digits",
                     scope.subscriptions);
    ReadScopeMembers(mapping, "managementGroups", azure::IsManagementGroup,
                     "a management group's name: 1 to 90 letters, digits and any of -_().", scope.management_groups);
    mapping.Finish();
  }

  static void ReadScopeMembers(YamlMapping& mapping, std::string_view key, bool (*is_one)(std::string_view), std::string_view expected,
                               std::vector<std::string>& out) {
    std::map<std::string, int> lines;  // Azure compares both without regard to case
    for (const auto& [node, path] : ReadTexts(mapping, key, kMaxScopeMembers)) {
      if (!is_one(node->text)) {
        mapping.AddProblem(*node, path, "expected " + std::string(expected) + ", got " + base::Quoted(node->text));
        continue;
      }
      const auto [first, is_new] = lines.emplace(base::AsciiLower(node->text), node->line);
      if (!is_new) {
        mapping.AddProblem(*node, path, base::Quoted(node->text) + " is listed already, in line " + std::to_string(first->second));
        continue;
      }
      out.push_back(node->text);
    }
  }

  // A list that may be left out, but is not empty where it is written: an empty one must not read as "all".
  static std::vector<YamlMapping::Text> ReadTexts(YamlMapping& mapping, std::string_view key, std::size_t most) {
    const YamlNode* member = mapping.Member(key);
    if (member == nullptr) {
      return {};
    }
    if (member->items.size() > most) {
      mapping.AddProblem(*member, key, TooMany(most, member->items.size()));
      return {};
    }
    return mapping.RequiredTexts(key);
  }

  static std::string TooMany(std::size_t most, std::size_t given) {
    return "expected a list of at most " + std::to_string(most) + " items, got " + std::to_string(given);
  }

  YamlMapping section_;
  const std::string& file_;
  const std::filesystem::path& folder_;
  base::Problems& problems_;
  InventoryConfig inventory_;
};

}  // namespace

InventoryConfig ReadInventory(const YamlNode& node, const std::string& file, const std::filesystem::path& folder,
                              base::Problems& problems) {
  return InventoryReader(node, file, folder, problems).Read();
}

std::vector<std::pair<std::string, std::string>> FilesOf(const InventoryConfig& inventory) {
  const std::string section(kSection);
  std::vector<std::pair<std::string, std::string>> files = {{section + ".file", inventory.file}, {section + ".ca", inventory.ca}};
  for (std::size_t i = 0; i < inventory.identities.size(); ++i) {
    for (const CredentialKey& key : kCredentialKeys) {
      if (key.is_path) {
        files.emplace_back(section + ".azure[" + std::to_string(i) + "].credential." + std::string(key.name),
                           inventory.identities[i].credential.*key.value);
      }
    }
  }
  std::erase_if(files, [](const auto& file) { return file.second.empty(); });
  return files;
}

}  // namespace cli
