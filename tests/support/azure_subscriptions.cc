#include "tests/support/azure_subscriptions.h"

#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "tests/support/azure_call.h"

namespace support {
namespace {

using nlohmann::json;

}  // namespace

RegistryParts PartsOf(const std::string& registry_id) {
  http::Request request;
  request.url = "https://management.azure.com" + registry_id;
  const AzureCall call = ReadAzureCall(request);
  return {call.subscription, call.resource_group};
}

const std::string& AzureSubscriptions::Registry::TextOf(RegistryView view) {
  std::string& text = texts_.at(static_cast<std::size_t>(view));
  if (text.empty()) {
    text = base::DumpJson(ViewOf(body_, view));
  }
  return text;
}

std::string AzureSubscriptions::Registry::ConnectionsText() const {
  const json& properties = body_.at("properties");
  const auto connections = properties.find("privateEndpointConnections");
  return base::DumpJson({{"value", connections == properties.end() ? json::array() : *connections}});
}

const std::string& AzureSubscriptions::Subscription::ListPage(const std::string& group, RegistryView view, std::size_t begin,
                                                              std::size_t size, std::size_t& next) {
  const std::string key = group + " " + std::to_string(static_cast<int>(view)) + " " + std::to_string(begin) + " " + std::to_string(size);
  const auto [cached, is_new] = pages_.try_emplace(key);
  Page& page = cached->second;
  if (is_new) {
    std::size_t at = 0;
    for (auto& [lower_id, registry] : registries) {
      if (registry.denied || (!group.empty() && PartsOf(lower_id).resource_group != group) || at++ < begin) {
        continue;
      }
      if (at > begin + size) {
        page.next = begin + size;
        break;
      }
      page.text.append(page.text.empty() ? "" : ",").append(registry.TextOf(view));
    }
  }
  next = page.next;
  return page.text;
}

void AzureSubscriptions::Add(const std::string& subscription) { subscriptions_.try_emplace(base::AsciiLower(subscription)); }

void AzureSubscriptions::Remove(const std::string& subscription) { subscriptions_.erase(base::AsciiLower(subscription)); }

AzureSubscriptions::Subscription* AzureSubscriptions::Find(const std::string& subscription) {
  const auto found = subscriptions_.find(base::AsciiLower(subscription));
  return found == subscriptions_.end() ? nullptr : &found->second;
}

void AzureSubscriptions::Put(json body) {
  const std::string id = body.at("id");
  const RegistryParts parts = PartsOf(id);
  Subscription& subscription = subscriptions_[parts.subscription];
  subscription.groups.insert(parts.resource_group);
  subscription.pages_.clear();
  const std::string key = base::AsciiLower(id);
  const auto known = subscription.registries.find(key);
  if (known == subscription.registries.end()) {
    subscription.registries.emplace(key, Registry(std::move(body)));
    return;
  }
  const bool denied = known->second.denied;
  known->second = Registry(std::move(body));
  known->second.denied = denied;
}

bool AzureSubscriptions::Erase(const std::string& registry_id) {
  Subscription* const subscription = Find(PartsOf(registry_id).subscription);
  if (subscription == nullptr) {
    return false;
  }
  subscription->pages_.clear();
  return subscription->registries.erase(base::AsciiLower(registry_id)) > 0;
}

AzureSubscriptions::Registry* AzureSubscriptions::FindRegistry(const std::string& registry_id) {
  Subscription* const subscription = Find(PartsOf(registry_id).subscription);
  if (subscription == nullptr) {
    return nullptr;
  }
  const auto found = subscription->registries.find(base::AsciiLower(registry_id));
  return found == subscription->registries.end() ? nullptr : &found->second;
}

bool AzureSubscriptions::SetDenied(const std::string& registry_id, bool denied) {
  Registry* const registry = FindRegistry(registry_id);
  if (registry == nullptr) {
    return false;
  }
  registry->denied = denied;
  Find(PartsOf(registry_id).subscription)->pages_.clear();
  return true;
}

}  // namespace support
