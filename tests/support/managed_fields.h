// Server-side apply: which manager owns which field of one object, and what an apply makes of it. Lists of things that have names
// are merged by name, any other list is one field, as the API's schemas say of webhooks and of most lists.
// https://kubernetes.io/docs/reference/using-api/server-side-apply/
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace support {

class ManagedFields {
 public:
  struct Applied {
    nlohmann::json object;
    std::vector<std::string> conflicts;  // "conflict with "helm": .webhooks[name="x"].failurePolicy"; nothing is changed then
  };
  // `live` is null when there is no object yet.
  Applied Apply(const nlohmann::json& live, const nlohmann::json& fields, const std::string& manager, bool force);

  // A write of any other kind: what it changed is `manager`'s alone.
  void Write(const nlohmann::json& before, const nlohmann::json& after, const std::string& manager);

 private:
  using Path = std::vector<std::string>;  // a member's name, or "[name]" for the thing of that name
  using Leaves = std::map<Path, nlohmann::json>;

  static void Flatten(const nlohmann::json& value, Path& at, Leaves& leaves);
  static Leaves LeavesOf(const nlohmann::json& object);
  static void Merge(nlohmann::json& target, const nlohmann::json& fields);
  static bool Remove(nlohmann::json& target, const Path& path, std::size_t depth);
  bool IsOwned(const Path& path) const;

  std::map<std::string, std::set<Path>> owned_;  // by manager
};

}  // namespace support
