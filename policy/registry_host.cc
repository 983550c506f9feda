#include "policy/registry_host.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "base/text.h"

namespace policy {
namespace {

constexpr std::size_t kShownHost = 100;  // bytes of a host that a message repeats

// Without the port. An IPv6 address in brackets stays what it is: it is under no suffix.
std::string_view WithoutPort(std::string_view registry) {
  const std::size_t colon = registry.rfind(':');
  return registry.starts_with('[') ? registry : registry.substr(0, colon);
}

bool IsOrLiesUnder(std::string_view host, std::string_view suffix) {
  return host.ends_with(suffix) && (host.size() == suffix.size() || host[host.size() - suffix.size() - 1] == '.');
}

RegistryHost Acr(std::string login_server) { return {RegistryHost::Kind::kAcr, std::move(login_server), {}}; }

RegistryHost Invalid(std::string_view registry, std::string_view why) {
  return {RegistryHost::Kind::kInvalid, {}, base::Printable(registry, kShownHost) + " " + std::string(why)};
}

bool IsRegistryLabel(std::string_view label) {
  return !label.empty() && label.find('.') == std::string_view::npos && label != "privatelink";
}

}  // namespace

RegistrySuffixes RegistrySuffixes::With(const std::vector<std::string>& further) const {
  RegistrySuffixes all = *this;
  for (const std::string& suffix : further) {
    if (all.Of(suffix) != suffix) {
      all.further_.push_back(suffix);
    }
  }
  std::ranges::sort(all.further_, std::ranges::greater{}, &std::string::size);  // of equal ones none lies under another
  return all;
}

std::string_view RegistrySuffixes::Of(std::string_view host) const {
  for (const std::string_view suffix : kKnownRegistrySuffixes) {
    if (IsOrLiesUnder(host, suffix)) {
      return suffix;
    }
  }
  for (const std::string& suffix : further_) {
    if (IsOrLiesUnder(host, suffix)) {
      return suffix;
    }
  }
  return {};
}

bool IsUnderRegistrySuffix(std::string_view registry, const RegistrySuffixes& suffixes) {
  return !suffixes.Of(WithoutPort(registry)).empty();
}

RegistryHost ClassifyRegistryHost(std::string_view registry, const RegistrySuffixes& suffixes) {
  const std::string_view host = WithoutPort(registry);
  const std::string_view suffix = suffixes.Of(host);
  if (suffix.empty()) {
    return {};
  }
  if (host.size() != registry.size()) {
    return Invalid(registry, "has a port: an Azure Container Registry is reached at port 443 alone; leave the port out");
  }
  if (host.size() == suffix.size()) {
    return Invalid(registry, "is the suffix of all registries, not a registry; put the registry's name before it");
  }

  const std::string_view labels = host.substr(0, host.size() - suffix.size() - 1);
  if (IsRegistryLabel(labels)) {
    return Acr(std::string(host));
  }
  // "label.region.geo", a regional endpoint; "label.region.data", where the registry's layers are downloaded from.
  const std::size_t first_dot = labels.find('.');
  const std::string_view label = labels.substr(0, first_dot);
  const std::string_view after = first_dot == std::string_view::npos ? std::string_view() : labels.substr(first_dot + 1);
  const std::size_t second_dot = after.find('.');
  const std::string_view region = after.substr(0, second_dot);
  const std::string_view role = second_dot == std::string_view::npos ? std::string_view() : after.substr(second_dot + 1);
  const std::string login_server = std::string(label) + "." + std::string(suffix);
  const bool three_labels = IsRegistryLabel(label) && !region.empty();
  if (three_labels && role == "geo") {
    return Acr(login_server);
  }
  if (labels == "privatelink" || labels.ends_with(".privatelink")) {
    return Invalid(registry, "is a name of Azure Private Link's DNS zone; write the login server, without \"privatelink\"");
  }
  if (three_labels && role == "data") {
    return Invalid(registry, "is a data endpoint, not a login server; write " + base::Printable(login_server, kShownHost));
  }
  return Invalid(registry, "is no login server: that is one label before " + std::string(suffix));
}

}  // namespace policy
