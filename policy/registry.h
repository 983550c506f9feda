// Registries as Azure describes them, in every shape in which people and tools hand them over.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "base/time.h"
#include "policy/child_lists.h"
#include "policy/compliance_state.h"
#include "policy/registry_body.h"
#include "policy/registry_host.h"
#include "policy/verdict.h"

namespace policy {

// One ACR resource. `body` is ARM's shape whatever shape it was read from, on one line.
struct Registry {
  std::string login_server;  // properties.loginServer, lower-case: the key; never guessed from the name
  std::string name;          // of the resource; with domain name labels it is no part of the login server
  std::string resource_id;   // as ARM writes it; compared without regard to case
  base::Time observed{};     // when ARM said so
  RegistryBody body;
  std::shared_ptr<const ChildLists> children{};  // what was read of its children; null: nothing
};

// Whether it is a resource of that subscription.
bool IsInSubscription(const Registry& registry, std::string_view subscription);

// Reads `az acr list -o json` or `az acr show`, an ARM GET or list, or a Resource Graph answer (objectArray or table). An element may
// hold its children by kind, under `children`: `az acr token list` and the like, or an ARM list's value. A kind that is there is all of
// them. An element that is no registry (another type, no loginServer, a login server under none of `suffixes`, two elements with the same
// login server) is an error that names its place: half an inventory would be taken for all of it. An ARM error body is an error that says
// what ARM said. `source` names the file in messages.
base::Result<std::vector<Registry>> ReadRegistries(std::string_view json, std::string_view source, base::Time observed,
                                                   const RegistrySuffixes& suffixes = {});

// A registry and what the policy's requirements say of it.
struct RegistryFacts {
  Registry registry;
  Verdict verdict;
  std::shared_ptr<const ComplianceStates> states{};  // what Azure Policy says of this resource; null: not read
  // Of the children that the policy's definitions judge: when the oldest list was read, none when there is none; and whether a list was
  // never asked for, so that asking could tell more however young the rest is.
  std::optional<base::Time> children_observed{};
  bool lacks_children = false;

  // When that was observed on which the verdict rests: the oldest of it.
  base::Time observed() const { return std::min(registry.observed, children_observed.value_or(registry.observed)); }
};

// Every registry that is known, by login server. Immutable once published; values are shared between generations.
class Facts {
 public:
  void Add(std::shared_ptr<const RegistryFacts> facts);            // replaces one of the same login server
  const RegistryFacts* Find(std::string_view login_server) const;  // null: unknown
  std::shared_ptr<const RegistryFacts> FindShared(std::string_view login_server) const;
  std::vector<std::shared_ptr<const RegistryFacts>> Sorted() const;  // by login server
  std::size_t size() const { return by_login_server_.size(); }
  void Remove(std::string_view login_server);

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Map = std::unordered_map<std::string, std::shared_ptr<const RegistryFacts>, Hash, std::equal_to<>>;

 public:
  // In no order: the login server, and its facts.
  Map::const_iterator begin() const { return by_login_server_.begin(); }
  Map::const_iterator end() const { return by_login_server_.end(); }

 private:
  Map by_login_server_;
};

}  // namespace policy
