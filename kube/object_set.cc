#include "kube/object_set.h"

#include <algorithm>

#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;

// Whether all of `wanted` is in `there`: the server adds members of its own.
bool Holds(const json& there, const json& wanted) {
  if (!wanted.is_object()) {
    return there == wanted ||
           (wanted.is_array() && there.is_array() && there.size() == wanted.size() &&
            std::equal(wanted.begin(), wanted.end(), there.begin(), [](const json& w, const json& t) { return Holds(t, w); }));
  }
  return there.is_object() && std::ranges::all_of(wanted.items(), [&](const auto& member) {
           const auto found = there.find(member.key());
           return found != there.end() && Holds(*found, member.value());
         });
}

// The same of an object, but for its type: in a list only the whole list tells it.
bool HoldsButForType(const json& there, const json& wanted) {
  return std::ranges::all_of(wanted.items(), [&](const auto& member) {
    return member.key() == "apiVersion" || member.key() == "kind" || Holds(MemberOf(there, member.key().c_str()), member.value());
  });
}

// Whether the next object would fail as this one did.
bool ConcernsAll(const ApiError& error) {
  switch (error.kind) {
    case ApiError::Kind::kNotFound:
    case ApiError::Kind::kAlreadyExists:
    case ApiError::Kind::kConflict:
    case ApiError::Kind::kInvalid:
      return false;
    case ApiError::Kind::kRejected:
      return error.status == 404;  // there is no such resource
    case ApiError::Kind::kForbidden:
      return !MissingVerb(error).empty();
    default:
      return true;
  }
}

ObjectSet::Key KeyOf(const json& object) { return {TextOf(MetadataOf(object), "namespace"), TextOf(MetadataOf(object), "name")}; }

}  // namespace

ApiResult<void> ObjectSet::Load() {
  auto all = api_.ListAll(options_.collection, {.label_selector = options_.label_selector, .field_selector = ""}, kMaxObjects,
                          std::chrono::minutes(1));
  if (!all) {
    return tl::unexpected(std::move(all.error()));
  }
  known_.clear();
  for (json& object : all->items) {
    Key key = KeyOf(object);
    known_[std::move(key)].object = std::move(object);
  }
  return {};
}

const json* ObjectSet::Find(const Key& key) const {
  const auto known = known_.find(key);
  return known == known_.end() ? nullptr : &known->second.object;
}

ObjectSet::Progress ObjectSet::Bring(const std::map<Key, json>& wanted, std::size_t max_writes) {
  Progress progress;
  bool ended = false;
  const auto fail = [&](ApiError error) {
    ++progress.left;
    ++progress.failed;
    ended = ConcernsAll(error);
    progress.error = progress.error ? progress.error : std::move(error);
  };
  for (const auto& [key, object] : wanted) {
    if (IsAsWanted(key, object)) {
      continue;
    }
    if (progress.written >= max_writes || ended) {
      ++progress.left;
      continue;
    }
    if (auto written = Write(key, object)) {
      progress.written += *written;
    } else {
      ++progress.written;
      fail(std::move(written.error()));
    }
  }
  for (auto known = known_.begin(); known != known_.end();) {
    const Key& key = known->first;
    if (wanted.contains(key)) {
      ++known;
      continue;
    }
    if (progress.written >= max_writes || ended) {
      ++progress.left;
      ++known;
      continue;
    }
    ++progress.written;
    const auto gone = api_.Delete(
        In(key), key.second, {.uid = TextOf(MetadataOf(known->second.object), "uid"), .resource_version = VersionOf(key)}, kObjectDeadline);
    if (gone || gone.error().kind == ApiError::Kind::kNotFound) {
      known = known_.erase(known);
    } else {
      fail(gone.error());
      ++known;
    }
  }
  return progress;
}

bool ObjectSet::IsAsWanted(const Key& key, const json& wanted) const {
  const auto known = known_.find(key);
  return known != known_.end() && (known->second.written == wanted || HoldsButForType(known->second.object, wanted));
}

ApiResult<std::size_t> ObjectSet::Write(const Key& key, const json& wanted) {
  const Collection in = In(key);
  std::size_t requests = 0;
  const auto apply = [&](const Collection& where, json fields) {
    ++requests;
    if (std::string version = VersionOf(key); !version.empty()) {
      fields["metadata"]["resourceVersion"] = std::move(version);
    }
    return api_.Apply(where, key.second, fields, options_.manager, OnConflict::kForce, kObjectDeadline);
  };
  json object = wanted;
  if (options_.has_status) {
    object.erase("status");
  }
  const bool made = known_.contains(key);
  const bool same = made && options_.has_status && HoldsButForType(known_[key].object, object);
  if (!same) {
    auto answer = apply(in, object);
    if (!answer) {
      return tl::unexpected(std::move(answer.error()));
    }
    known_[key].object = *std::move(answer);
  }
  if (options_.has_status) {
    Collection status = in;
    status.subresource = "status";
    auto answer = apply(status, wanted);
    if (!answer) {
      if (answer.error().kind == ApiError::Kind::kNotFound) {
        known_.erase(key);  // somebody deleted it: the next call makes it anew
      }
      return tl::unexpected(std::move(answer.error()));
    }
    known_[key].object = *std::move(answer);
  }
  known_[key].written = wanted;
  return requests;
}

std::string ObjectSet::VersionOf(const Key& key) const {
  const auto known = known_.find(key);
  return known == known_.end() ? "" : ResourceVersionOf(known->second.object);
}

Collection ObjectSet::In(const Key& key) const {
  Collection in = options_.collection;
  in.namespace_name = key.first;
  return in;
}

}  // namespace kube
