#include "kube/api.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "http/http_date.h"
#include "http/url.h"
#include "kube/object.h"

namespace kube {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using Instant = std::chrono::steady_clock::time_point;
using Kind = ApiError::Kind;

// Behind the time after which the server ends a watch: what its end may take to arrive.
constexpr std::chrono::seconds kWatchGrace{10};

constexpr const char* kJson = "application/json";
constexpr const char* kMergePatch = "application/merge-patch+json";
constexpr const char* kApply = "application/apply-patch+yaml";  // JSON is YAML
// Whole objects from who cannot leave the rest out: https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches
constexpr const char* kMetadataList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
constexpr const char* kMetadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";  // of a watch's events

milliseconds Left(const base::Clock& clock, Instant until) { return std::chrono::duration_cast<milliseconds>(until - clock.Monotonic()); }

std::string Remedy(const ApiError& error, const std::string& verb, const Collection& in) {
  if (error.kind == Kind::kUnauthorized) {
    return "see that the token or client certificate is of this cluster and has not expired";
  }
  if (error.kind != Kind::kForbidden) {
    return "";
  }
  const std::string missing = MissingVerb(error);
  if (missing.empty()) {
    return "";
  }
  return "grant the verb " + missing + (missing == verb ? "" : " (for " + verb + ")") + " on " + Describe(in) +
         " in a role: apiGroups [\"" + in.group + "\"], resources [\"" + in.resource +
         (in.subresource.empty() ? "" : "/" + in.subresource) + "\"]";
}

// With those of `others` that say something.
std::string QueryOf(const Selection& selection, std::vector<std::pair<std::string_view, std::string_view>> others) {
  others.emplace_back("labelSelector", selection.label_selector);
  others.emplace_back("fieldSelector", selection.field_selector);
  std::erase_if(others, [](const auto& pair) { return pair.second.empty(); });
  return http::EncodeForm(others);
}

ApiResult<Page> ReadPage(json list) {
  const auto items = list.find("items");
  if (items == list.end() || !(items->is_array() || items->is_null())) {  // null: how Go writes an empty list
    return Unavailable("the API server's answer is no list");
  }
  Page page;
  for (json& item : *items) {
    if (!item.is_object()) {
      return Unavailable("the API server's list holds what is no object");
    }
    page.items.push_back(std::move(item));
  }
  const json& metadata = MetadataOf(list);
  page.continue_token = TextOf(metadata, "continue");
  page.resource_version = ResourceVersionOf(list);
  return page;
}

}  // namespace

Api::Api(const Config& config, http::Client& client, const base::Clock& clock)
    : server_(config.server), token_(config, clock), client_(client), clock_(clock) {}

ApiResult<json> Api::Get(const Collection& in, const std::string& name, milliseconds deadline) {
  return Perform({.method = "GET", .path = PathOf(in, name), .verb = "get", .in = in}, deadline);
}

ApiResult<Page> Api::List(const Collection& in, const Selection& selection, const std::string& continue_token, milliseconds deadline) {
  const std::string limit = std::to_string(selection.limit);
  auto list = Perform({.method = "GET",
                       .path = PathOf(in),
                       .query = QueryOf(selection, {{"limit", limit}, {"continue", continue_token}}),
                       .accept = selection.metadata_only ? kMetadataList : kJson,
                       .verb = "list",
                       .in = in},
                      deadline);
  if (!list) {
    return tl::unexpected(std::move(list.error()));
  }
  return ReadPage(*std::move(list));
}

ApiResult<Page> Api::ListAll(const Collection& in, const Selection& selection, std::size_t max_items, milliseconds deadline) {
  const Instant until = clock_.Monotonic() + deadline;
  bool begun_anew = false;
  Page all;
  for (;;) {
    auto page = List(in, selection, all.continue_token, Left(clock_, until));
    if (!page && page.error().kind == Kind::kExpired && !begun_anew) {
      begun_anew = true;
      all = {};
      continue;
    }
    if (!page) {
      return page;
    }
    if (all.items.size() + page->items.size() > max_items) {
      return Rejected("there are more than " + std::to_string(max_items) + " " + Describe(in));
    }
    std::move(page->items.begin(), page->items.end(), std::back_inserter(all.items));
    all.continue_token = std::move(page->continue_token);
    all.resource_version = std::move(page->resource_version);
    if (all.continue_token.empty()) {
      return all;
    }
  }
}

ApiResult<void> Api::Watch(const Collection& in, const Selection& selection, const std::string& resource_version,
                           std::chrono::seconds timeout, const OnWatchEvent& event) {
  WatchReader reader(event);
  const std::string seconds = std::to_string(timeout.count());
  const std::string query = QueryOf(
      selection, {{"watch", "true"}, {"allowWatchBookmarks", "true"}, {"resourceVersion", resource_version}, {"timeoutSeconds", seconds}});
  const auto answer = Ask({.method = "GET",
                           .path = PathOf(in),
                           .query = query,
                           .accept = selection.metadata_only ? kMetadata : kJson,
                           .verb = "watch",
                           .in = in,
                           .sink = [&reader](std::string_view piece) { return reader.Take(piece); }},
                          timeout + kWatchGrace);
  if (reader.error()) {
    return tl::unexpected(*reader.error());
  }
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  return {};
}

ApiResult<json> Api::Create(const Collection& in, const json& object, milliseconds deadline) {
  return Perform({.method = "POST", .path = PathOf(in), .body = base::DumpJson(object), .content_type = kJson, .verb = "create", .in = in},
                 deadline);
}

ApiResult<json> Api::Update(const Collection& in, const json& object, milliseconds deadline) {
  if (ResourceVersionOf(object).empty()) {
    return Rejected("an update without metadata.resourceVersion would undo what others did: nothing was sent");
  }
  return Perform({.method = "PUT",
                  .path = PathOf(in, TextOf(MetadataOf(object), "name")),
                  .body = base::DumpJson(object),
                  .content_type = kJson,
                  .verb = "update",
                  .in = in},
                 deadline);
}

ApiResult<json> Api::MergePatch(const Collection& in, const std::string& name, const json& patch, milliseconds deadline) {
  return Perform(
      {.method = "PATCH", .path = PathOf(in, name), .body = base::DumpJson(patch), .content_type = kMergePatch, .verb = "patch", .in = in},
      deadline);
}

ApiResult<json> Api::Apply(const Collection& in, const std::string& name, const json& fields, const std::string& manager,
                           OnConflict on_conflict, milliseconds deadline) {
  return Perform({.method = "PATCH",
                  .path = PathOf(in, name),
                  .query = http::EncodeForm({{"fieldManager", manager}, {"force", on_conflict == OnConflict::kForce ? "true" : "false"}}),
                  .body = base::DumpJson(fields),
                  .content_type = kApply,
                  .verb = "patch",
                  .in = in},
                 deadline);
}

ApiResult<void> Api::Delete(const Collection& in, const std::string& name, const Preconditions& preconditions, milliseconds deadline) {
  json options = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", json::object()}};
  if (!preconditions.uid.empty()) {
    options["preconditions"]["uid"] = preconditions.uid;
  }
  if (!preconditions.resource_version.empty()) {
    options["preconditions"]["resourceVersion"] = preconditions.resource_version;
  }
  auto answer = Perform(
      {.method = "DELETE", .path = PathOf(in, name), .body = base::DumpJson(options), .content_type = kJson, .verb = "delete", .in = in},
      deadline);
  if (!answer) {
    return tl::unexpected(std::move(answer.error()));
  }
  return {};
}

ApiResult<http::Response> Api::Ask(const Call& call, milliseconds deadline) {
  auto response = Send(call, deadline);
  if (response && (response->status < 200 || response->status > 299)) {
    ApiError error = ReadApiError(*response, clock_.Now());
    error.remedy = Remedy(error, call.verb, call.in);
    return tl::unexpected(std::move(error));
  }
  return response;
}

ApiResult<json> Api::Perform(const Call& call, milliseconds deadline) {
  const auto response = Ask(call, deadline);
  if (!response) {
    return tl::unexpected(response.error());
  }
  auto body = base::ParseJson(response->body, "the answer");
  if (!body || !body->is_object()) {  // what the reader says of it may repeat some of it, and that may be a Secret's
    return Unavailable("the API server's answer is no JSON object");
  }
  return *std::move(body);
}

ApiResult<http::Response> Api::Send(const Call& call, milliseconds deadline) {
  const Instant until = clock_.Monotonic() + deadline;
  if (!call.path) {
    return FromError(call.path.error());
  }
  http::Request request;
  request.method = call.method;
  request.url = server_ + *call.path + (call.query.empty() ? "" : "?" + call.query);
  request.body = call.body;
  request.max_response_bytes = kMaxAnswerBytes;
  request.sink = call.sink;
  std::optional<http::Response> refusal;  // the first 401, and the token that brought it
  std::string refused;
  for (;;) {
    auto token = token_.Get();
    if (!token) {
      return Unavailable("no token: " + std::move(token.error().message), std::move(token.error().remedy));
    }
    if (refusal && *token == refused) {  // there is no other: sending this again brings the same
      return *std::move(refusal);
    }
    request.deadline = Left(clock_, until);
    if (request.deadline.count() <= 0) {
      return Unavailable("the time for the call was over before it was sent");
    }
    request.headers = {{"Accept", call.accept}};
    if (!call.content_type.empty()) {
      request.headers.emplace_back("Content-Type", call.content_type);
    }
    if (!token->empty()) {
      request.headers.emplace_back("Authorization", "Bearer " + *token);
    }
    auto response = client_.Send(request);
    if (!response) {
      return FromError(std::move(response.error()));
    }
    NoteTime(*response);
    if (response->status != 401 || refusal) {
      return *std::move(response);
    }
    token_.Refuse(*token);
    refused = *std::move(token);
    refusal = *std::move(response);
  }
}

void Api::NoteTime(const http::Response& response) {
  if (const std::optional<base::Time> date = http::ParseHttpDate(response.Header("Date"))) {
    base::MutexLock lock(mutex_);
    ahead_ = *date - clock_.Now();
  }
}

std::optional<base::Time> Api::ServerTime() const {
  base::MutexLock lock(mutex_);
  return ahead_ ? std::make_optional(clock_.Now() + *ahead_) : std::nullopt;
}

}  // namespace kube
