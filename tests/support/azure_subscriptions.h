// The fake Azure's subscriptions with their registries, as Resource Manager keeps them.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/registry_bodies.h"

namespace support {

// For one thread at a time. Ids and names are found in any case. Bodies and pages are written once, and again when they change.
class AzureSubscriptions {
 public:
  class Registry {
   public:
    explicit Registry(nlohmann::json body) : body_(std::move(body)) {}

    const nlohmann::json& body() const { return body_; }
    std::string id() const { return body_.at("id"); }
    const std::string& TextOf(RegistryView view);
    // The list of its private endpoint connections.
    std::string ConnectionsText() const;

    bool denied = false;  // the identity's role does not reach it

   private:
    nlohmann::json body_;
    std::array<std::string, 3> texts_;  // by view; "" until it is asked for
  };

  struct Subscription {
    std::set<std::string> groups;                // lower-case; a group stays when its last registry goes
    std::map<std::string, Registry> registries;  // by lower-case id
    bool denied = false;

    // The list from the `begin`-th registry of `group` ("": of all groups) on, without brackets; `next` is where the page after
    // it begins, 0 after the last.
    const std::string& ListPage(const std::string& group, RegistryView view, std::size_t begin, std::size_t size, std::size_t& next);

   private:
    friend class AzureSubscriptions;
    struct Page {
      std::string text;
      std::size_t next = 0;
    };
    std::map<std::string, Page> pages_;  // by what was asked for
  };

  void Add(const std::string& subscription);
  void Remove(const std::string& subscription);
  Subscription* Find(const std::string& subscription);  // null: there is none
  std::map<std::string, Subscription>& all() { return subscriptions_; }

  // Replaces one of the same id; its subscription and resource group come into being. The id has to be a registry's.
  void Put(nlohmann::json body);
  bool Erase(const std::string& registry_id);
  Registry* FindRegistry(const std::string& registry_id);
  bool SetDenied(const std::string& registry_id, bool denied);

 private:
  std::map<std::string, Subscription> subscriptions_;  // by lower-case id
};

// The parts of a registry's id, lower-case.
struct RegistryParts {
  std::string subscription, resource_group;
};
RegistryParts PartsOf(const std::string& registry_id);

}  // namespace support
