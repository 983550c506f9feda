// Values that stand in more than one section of the configuration file.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/yaml.h"
#include "kube/collection.h"

namespace cli {

// A path, relative to the configuration file's `folder`; an absolute one stays what it is. False as YamlMapping::Optional.
inline bool ReadPath(base::YamlMapping& mapping, std::string_view key, const std::filesystem::path& folder, std::string* out) {
  const bool given = mapping.Optional(key, out);
  if (given) {
    *out = (folder / *out).string();
  }
  return given;
}

inline void ReadRequiredPath(base::YamlMapping& mapping, std::string_view key, const std::filesystem::path& folder, std::string* out) {
  if (mapping.RequiredMember(key) != nullptr) {
    ReadPath(mapping, key, folder, out);
  }
}

// The name of an object of the cluster's. False as YamlMapping::Optional.
inline bool ReadObjectName(base::YamlMapping& mapping, std::string_view key, std::string* out) {
  std::string name;
  if (!mapping.Optional(key, &name)) {
    return false;
  }
  if (!kube::IsSubdomainName(name)) {
    mapping.AddProblem(*mapping.Member(key), key,
                       "expected an object's name: at most 253 lower-case letters, digits, - and ., got " + base::Quoted(name));
    return false;
  }
  *out = std::move(name);
  return true;
}

// One of the values that have these names. False as YamlMapping::OptionalChoice.
template <class Value>
bool ReadChoice(base::YamlMapping& mapping, std::string_view key, Value* out,
                std::initializer_list<std::pair<std::string_view, std::type_identity_t<Value>>> choices) {
  std::vector<std::string_view> names;
  for (const auto& [name, value] : choices) {
    names.push_back(name);
  }
  std::size_t index = 0;
  const bool chosen = mapping.OptionalChoice(key, names, &index);
  if (chosen) {
    *out = (choices.begin() + index)->second;
  }
  return chosen;
}

}  // namespace cli
