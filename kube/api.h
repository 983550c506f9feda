// The API server's verbs, with typed outcomes. Objects are JSON at this border: what rooms make of them is theirs.
// https://kubernetes.io/docs/reference/using-api/api-concepts/
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/mutex.h"
#include "http/client.h"
#include "kube/api_error.h"
#include "kube/bearer_token.h"
#include "kube/collection.h"
#include "kube/config.h"
#include "kube/watch_reader.h"

namespace kube {

// Of one answer. An object takes at most some 3 MiB (etcd's limit is 1.5 MiB, JSON and managedFields come on top), and a page of
// pods that are full of environment 10 MiB.
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{16} << 20;

// Of one page of a list: what kubectl asks for.
inline constexpr std::size_t kPageSize = 500;
// For one page: a busy API server takes its time over so many pods.
inline constexpr std::chrono::milliseconds kPageDeadline = std::chrono::seconds(60);

struct Selection {  // "" selects everything
  std::string label_selector{};
  std::string field_selector{};
  std::size_t limit = kPageSize;  // of a page
  bool metadata_only = false;     // of each object its metadata alone: a tenth of the bytes
};

struct Page {
  std::vector<nlohmann::json> items;  // in a list these lack apiVersion and kind
  std::string continue_token;         // "" on the last page
  std::string resource_version;       // of the list: the same on every page of it
};

// What must still be so for a DELETE to be carried out; "" for anything.
struct Preconditions {
  std::string uid;
  std::string resource_version;
};

enum class OnConflict { kFail, kForce };

// One for each cluster. Safe for concurrent use; each call blocks for at most its deadline. A call is tried once; with a 401, once
// more with the token of the file, if that is another. Every answer is an object.
//
// A write that ends with kUnavailable may have been carried out all the same. A PUT or DELETE may also be sent twice (when a kept
// connection ends), so a kConflict or kNotFound can be the trace of one's own: read again before concluding anything.
class Api {
 public:
  // `client` and `clock` must outlive it.
  Api(const Config& config, http::Client& client, const base::Clock& clock);

  ApiResult<nlohmann::json> Get(const Collection& in, const std::string& name, std::chrono::milliseconds deadline);

  // One page. `continue_token` is the last page's, "" for the first. kExpired: the list has to be begun anew.
  ApiResult<Page> List(const Collection& in, const Selection& selection, const std::string& continue_token,
                       std::chrono::milliseconds deadline);
  // All pages, begun anew once when they expire amid it. More than `max_items` are kRejected.
  ApiResult<Page> ListAll(const Collection& in, const Selection& selection, std::size_t max_items, std::chrono::milliseconds deadline);

  // What happens to the objects from `resource_version` on (a list's, or that of the last event): calls `event` for each thing, until
  // the server ends it, which is no error and happens after `timeout` at the latest, or `event` returns false. kExpired: begin with a
  // list. After any other error a watch may go on behind the last event that came.
  ApiResult<void> Watch(const Collection& in, const Selection& selection, const std::string& resource_version, std::chrono::seconds timeout,
                        const OnWatchEvent& event);

  // The object as the server made it.
  ApiResult<nlohmann::json> Create(const Collection& in, const nlohmann::json& object, std::chrono::milliseconds deadline);
  // Replaces it whole if it is still as `object`'s metadata.resourceVersion says, which must be there: else kConflict.
  ApiResult<nlohmann::json> Update(const Collection& in, const nlohmann::json& object, std::chrono::milliseconds deadline);
  // RFC 7386: members that are null are removed, lists replaced. With metadata.resourceVersion in it, as conditional as Update.
  ApiResult<nlohmann::json> MergePatch(const Collection& in, const std::string& name, const nlohmann::json& patch,
                                       std::chrono::milliseconds deadline);
  // Server-side apply: `fields` (with apiVersion and kind) is all that `manager` wants to own of the object, which is made if there
  // is none. With metadata.resourceVersion in it, as conditional as Update, and it makes nothing.
  // https://kubernetes.io/docs/reference/using-api/server-side-apply/
  ApiResult<nlohmann::json> Apply(const Collection& in, const std::string& name, const nlohmann::json& fields, const std::string& manager,
                                  OnConflict on_conflict, std::chrono::milliseconds deadline);
  // The object may live on while its finalizers are carried out.
  ApiResult<void> Delete(const Collection& in, const std::string& name, const Preconditions& preconditions,
                         std::chrono::milliseconds deadline);

  // What time it is by the API server's clock, to the second: by the last answer that said so. Nothing before that.
  std::optional<base::Time> ServerTime() const EXCLUDES(mutex_);

 private:
  // What is asked: the call as it is sent but for the token, and how a refusal's remedy calls it.
  struct Call {
    std::string method{};
    base::Result<std::string> path{};
    std::string query{};
    std::string body{};
    std::string content_type{};
    std::string accept = "application/json";
    std::string verb{};
    Collection in{};
    std::function<bool(std::string_view)> sink{};
  };
  ApiResult<nlohmann::json> Perform(const Call& call, std::chrono::milliseconds deadline);
  // A success, or the refusal as an error.
  ApiResult<http::Response> Ask(const Call& call, std::chrono::milliseconds deadline);
  ApiResult<http::Response> Send(const Call& call, std::chrono::milliseconds deadline);
  void NoteTime(const http::Response& response) EXCLUDES(mutex_);

  const std::string server_;
  BearerToken token_;
  http::Client& client_;
  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::optional<std::chrono::microseconds> ahead_ GUARDED_BY(mutex_);  // the API server's clock, of ours
};

}  // namespace kube
