#include "azure/cloud.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "http/url.h"
#include "policy/registry_host.h"

namespace azure {
namespace {

using base::ErrorCode;

// As azure-cli knows them.
const std::vector<Cloud>& KnownClouds() {
  static const std::vector<Cloud> kClouds = {
      {"AzureCloud", "https://management.azure.com", "https://login.microsoftonline.com", {"azurecr.io"}},
      {"AzureUSGovernment", "https://management.usgovcloudapi.net", "https://login.microsoftonline.us", {"azurecr.us"}},
      {"AzureChinaCloud", "https://management.chinacloudapi.cn", "https://login.chinacloudapi.cn", {"azurecr.cn"}},
  };
  return kClouds;
}

constexpr std::size_t kMaxShownBytes = 200;  // of a value from a file, in a message

tl::unexpected<base::Error> Wrong(const Cloud& cloud, std::string_view what, std::string remedy) {
  return base::Fail(ErrorCode::kInvalidArgument, "cloud " + base::Printable(cloud.name, kMaxShownBytes) + ": " + std::string(what),
                    std::move(remedy));
}

// "https://host[:port]", or "" where the text is not that with at most a slash after it: tokens and proofs travel to it.
std::string CheckEndpoint(std::string_view text) {
  const auto url = http::ParseUrl(text);
  return url && url->https() && url->target == "/" ? "https://" + url->Authority() : std::string();
}

// "azurecr.io", or "" where the text is no suffix of host names.
std::string CheckSuffix(std::string_view text) {
  const auto url = http::ParseUrl("https://registry." + std::string(text));
  const std::string suffix = base::AsciiLower(text);
  const bool whole = url && url->Authority() == "registry." + suffix;  // no port, path or query
  return whole && suffix.find('.') != std::string::npos ? suffix : std::string();
}

}  // namespace

base::Result<Cloud> FindCloud(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Cloud& cloud : KnownClouds()) {
    if (base::EqualsIgnoreAsciiCase(cloud.name, name)) {
      return cloud;
    }
    names.push_back(cloud.name);
  }
  const std::string_view nearest = base::Nearest(name, names);
  return base::Fail(ErrorCode::kInvalidArgument, "there is no cloud " + base::Printable(name, kMaxShownBytes),
                    nearest.empty() ? "write AzureCloud, AzureUSGovernment or AzureChinaCloud, or give a cloud's own endpoints"
                                    : "did you mean " + std::string(nearest) + "?");
}

base::Result<Cloud> CheckCloud(Cloud cloud) {
  if (cloud.name.empty()) {
    return base::Fail(ErrorCode::kInvalidArgument, "a cloud has no name", "give it one: messages use it");
  }
  const std::string resource_manager = CheckEndpoint(cloud.resource_manager);
  if (resource_manager.empty()) {
    return Wrong(cloud, "its Resource Manager is no https URL without a path",
                 "write what `az cloud show --query endpoints.resourceManager` prints, such as https://management.azure.com");
  }
  const std::string authority = CheckEndpoint(cloud.authority);
  if (authority.empty()) {
    return Wrong(cloud, "its authority is no https URL without a path",
                 "write what `az cloud show --query endpoints.activeDirectory` prints, such as https://login.microsoftonline.com");
  }
  if (cloud.registry_suffixes.empty()) {
    return Wrong(cloud, "it has no registry suffix", "write what `az cloud show --query suffixes.acrLoginServerEndpoint` prints");
  }
  for (std::string& suffix : cloud.registry_suffixes) {
    std::string checked = CheckSuffix(suffix.starts_with('.') ? std::string_view(suffix).substr(1) : suffix);
    if (checked.empty()) {
      return Wrong(cloud, "its registry suffix " + base::Printable(suffix, kMaxShownBytes) + " is no domain",
                   "write it as azurecr.io is written");
    }
    if (const std::string_view known = policy::RegistrySuffixes().Of(checked); !known.empty() && known != checked) {
      return Wrong(cloud,
                   "its registry suffix " + checked + " lies under " + std::string(known) + ", where every host is a registry already",
                   "write " + std::string(known) + " or the cloud's own suffix");
    }
    suffix = std::move(checked);
  }
  cloud.resource_manager = resource_manager;
  cloud.authority = authority;
  return cloud;
}

}  // namespace azure
