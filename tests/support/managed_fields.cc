#include "tests/support/managed_fields.h"

#include <algorithm>

namespace support {
namespace {

using nlohmann::json;

bool IsNamedList(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const json& item) { return item.is_object() && item.contains("name"); });
}

std::string KeyOf(const json& item) { return "[" + item["name"].get<std::string>() + "]"; }

json::iterator FindNamed(json& list, const std::string& key) {
  return std::find_if(list.begin(), list.end(), [&](const json& item) { return KeyOf(item) == key; });
}

std::string Shown(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& part : path) {
    text += part.front() == '[' ? "[name=\"" + part.substr(1, part.size() - 2) + "\"]" : "." + part;
  }
  return text;
}

}  // namespace

void ManagedFields::Flatten(const json& value, Path& at, Leaves& leaves) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, member] : value.items()) {
      at.push_back(key);
      Flatten(member, at, leaves);
      at.pop_back();
    }
  } else if (IsNamedList(value)) {
    for (const json& item : value) {
      at.push_back(KeyOf(item));
      Flatten(item, at, leaves);
      at.pop_back();
    }
  } else {
    leaves[at] = value;
  }
}

// What identifies the object, or is the server's own, belongs to nobody.
ManagedFields::Leaves ManagedFields::LeavesOf(const json& object) {
  Leaves leaves;
  Path at;
  if (object.is_object()) {
    Flatten(object, at, leaves);
  }
  std::erase_if(leaves, [](const auto& leaf) {
    const Path& path = leaf.first;
    return path.empty() || path[0] == "apiVersion" || path[0] == "kind" ||
           (path[0] == "metadata" && path.size() == 2 && path[1] != "labels" && path[1] != "annotations");
  });
  return leaves;
}

void ManagedFields::Merge(json& target, const json& fields) {
  if (fields.is_object() && target.is_object()) {
    for (const auto& [key, member] : fields.items()) {
      if (target.contains(key)) {
        Merge(target[key], member);
      } else {
        target[key] = member;
      }
    }
  } else if (IsNamedList(target) && (IsNamedList(fields) || fields == json::array())) {
    for (const json& item : fields) {
      if (const auto found = FindNamed(target, KeyOf(item)); found != target.end()) {
        Merge(*found, item);
      } else {
        target.push_back(item);
      }
    }
  } else {
    target = fields;
  }
}

// True when nothing is left of `target`.
bool ManagedFields::Remove(json& target, const Path& path, std::size_t depth) {
  const std::string& part = path[depth];
  const bool last = depth + 1 == path.size();
  if (part.front() == '[') {
    const auto found = IsNamedList(target) ? FindNamed(target, part) : target.end();
    if (found != target.end() && (last || Remove(*found, path, depth + 1))) {
      target.erase(found);
    }
  } else if (target.is_object() && target.contains(part) && (last || Remove(target[part], path, depth + 1))) {
    target.erase(part);
  }
  return target.empty();
}

bool ManagedFields::IsOwned(const Path& path) const {
  return std::any_of(owned_.begin(), owned_.end(), [&](const auto& entry) { return entry.second.contains(path); });
}

ManagedFields::Applied ManagedFields::Apply(const json& live, const json& fields, const std::string& manager, bool force) {
  const Leaves wanted = LeavesOf(fields);
  const Leaves present = LeavesOf(live);
  Applied applied;
  for (const auto& [other, paths] : owned_) {
    for (const auto& [path, value] : wanted) {
      const auto now = present.find(path);
      if (other != manager && paths.contains(path) && now != present.end() && now->second != value) {
        applied.conflicts.push_back("conflict with \"" + other + "\": " + Shown(path));
      }
    }
  }
  if (!applied.conflicts.empty() && !force) {
    return applied;
  }
  applied.conflicts.clear();
  for (auto& [other, paths] : owned_) {
    for (const auto& [path, value] : wanted) {
      const auto now = present.find(path);
      if (other != manager && now != present.end() && now->second != value) {
        paths.erase(path);
      }
    }
  }
  const std::set<Path> before = owned_[manager];
  owned_[manager].clear();
  for (const auto& [path, value] : wanted) {
    owned_[manager].insert(path);
  }
  applied.object = live.is_null() ? json::object() : live;
  Merge(applied.object, fields);
  // The names of things go last: the others of a thing are found by it.
  std::vector<Path> dropped;
  std::copy_if(before.begin(), before.end(), std::back_inserter(dropped), [&](const Path& path) { return !IsOwned(path); });
  std::partition(dropped.begin(), dropped.end(), [](const Path& path) { return path.back() != "name"; });
  for (const Path& path : dropped) {
    Remove(applied.object, path, 0);
  }
  return applied;
}

void ManagedFields::Write(const json& before, const json& after, const std::string& manager) {
  const Leaves old = LeavesOf(before);
  const Leaves now = LeavesOf(after);
  for (auto& [other, paths] : owned_) {
    std::erase_if(paths, [&](const Path& path) {
      const auto found = now.find(path);
      const auto was = old.find(path);
      return found == now.end() || (other != manager && (was == old.end() || was->second != found->second));
    });
  }
  for (const auto& [path, value] : now) {
    if (const auto was = old.find(path); was == old.end() || was->second != value) {
      owned_[manager].insert(path);
    }
  }
}

}  // namespace support
