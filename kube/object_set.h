// Objects of one resource that are all ours, kept as they should be: written by server-side apply, only where they differ, and only while
// they are as they were read. Of two that write, the later one learns that it was.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "kube/api.h"

namespace kube {

struct ObjectSetOptions {
  Collection collection;       // of all namespaces, or of the cluster
  std::string label_selector;  // which of them are ours; the objects carry it
  std::string manager;         // whose fields they are
  bool has_status = false;     // `status` is a subresource: written by itself, after the object is made
};

inline constexpr std::chrono::milliseconds kObjectDeadline{5'000};
// There are as many as registries or namespaces. More is somebody else's doing, or a mistake.
inline constexpr std::size_t kMaxObjects = 20'000;

// For one thread.
class ObjectSet {
 public:
  using Key = std::pair<std::string, std::string>;  // namespace ("" in the cluster), name

  // `api` must outlive it.
  ObjectSet(Api& api, ObjectSetOptions options) : api_(api), options_(std::move(options)) {}

  // Reads what is there. To be called before Bring, and again when another may have written.
  ApiResult<void> Load();

  const nlohmann::json* Find(const Key& key) const;  // as it was read, or as the server answered our last write

  struct Progress {
    std::size_t written = 0;        // requests, deletions too, and those that failed
    std::size_t failed = 0;         // of them
    std::size_t left = 0;           // objects that are not as they should be yet
    std::optional<ApiError> error;  // the first; what is left is tried again at the next call
  };
  // Makes and changes what differs from `wanted`, and deletes what is not wanted: at most `max_writes` requests. A failure that others
  // would meet too ends it; one of a single object (its namespace ends, a quota, a policy) does not. An object that the
  // server keeps otherwise than it was written (pruned by another version of its schema) is not written again and again. kConflict: another
  // has written (or the answer to our own last write was lost), and until the next Load nothing that is there is changed.
  Progress Bring(const std::map<Key, nlohmann::json>& wanted, std::size_t max_writes);

 private:
  struct Known {
    nlohmann::json object;
    std::optional<nlohmann::json> written;  // what we wanted when we last wrote it
  };

  bool IsAsWanted(const Key& key, const nlohmann::json& wanted) const;
  ApiResult<std::size_t> Write(const Key& key, const nlohmann::json& wanted);
  std::string VersionOf(const Key& key) const;  // "" for what is not known to be there
  Collection In(const Key& key) const;

  Api& api_;
  const ObjectSetOptions options_;
  std::map<Key, Known> known_;
};

}  // namespace kube
