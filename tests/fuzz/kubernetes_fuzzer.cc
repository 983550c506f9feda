// What the Kubernetes API may answer. The first byte says what was asked: 'W' a watch (the next byte: how long the pieces are in which it
// comes), 'I' a list, 'L' a Lease, 'E' a refusal (the next byte is its status), 'P' a pod. What is read is the same however it comes, and
// the room scan finds in a pod what the webhook does.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/api.h"
#include "kube/leadership.h"
#include "kube/object.h"
#include "kube/watch_reader.h"
#include "scan/pod.h"
#include "tests/fuzz/require.h"
#include "tests/support/fake_clock.h"
#include "tests/support/scripted_http.h"
#include "webhook/review_decoder.h"

namespace {

using fuzz::Require;
using fuzz::RequireShowable;
using nlohmann::json;

constexpr std::size_t kMaxError = 8192;

void CheckError(const kube::ApiError& error) {
  RequireShowable(error.ToString(), kMaxError);
  Require(error.retry_after.count() >= 0);
}

struct Watched {
  std::vector<std::pair<kube::WatchEvent::Kind, json>> events;
  std::string error;

  bool operator==(const Watched&) const = default;
};

Watched Watch(std::string_view stream, std::size_t piece) {
  Watched watched;
  const kube::OnWatchEvent event = [&](kube::WatchEvent told) {
    Require(told.object.is_object() && !kube::ResourceVersionOf(told.object).empty());
    watched.events.emplace_back(told.kind, std::move(told.object));
    return true;
  };
  kube::WatchReader reader(event);
  bool more = true;
  for (std::size_t at = 0; more && at < stream.size(); at += piece) {
    more = reader.Take(stream.substr(at, piece));
  }
  Require(more == !reader.error().has_value());
  if (reader.error()) {
    CheckError(*reader.error());
    watched.error = reader.error()->ToString();
  }
  return watched;
}

void WatchInPieces(std::string_view bytes) {
  const std::size_t piece = bytes.empty() ? 1 : 1 + static_cast<unsigned char>(bytes.front());
  const std::string_view stream = bytes.substr(bytes.empty() ? 0 : 1);
  Require(Watch(stream, piece) == Watch(stream, stream.size() + 1), "pieces");
}

struct World {
  explicit World(support::ScriptedHttp::Answer answer) : http(std::move(answer)), api(Config(), http, clock) {}

  static kube::Config Config() {
    kube::Config config;
    config.server = "https://10.0.0.1:443";
    config.token = "token";
    return config;
  }

  support::FakeClock clock;
  support::ScriptedHttp http;
  kube::Api api;
};

void List(std::string_view bytes) {
  int asked = 0;
  World world([&](const http::Request&) { return support::JsonResponse(200, asked++ < 3 ? std::string(bytes) : R"({"items":[]})"); });
  const auto list = world.api.ListAll(kube::Pods("shop"), {}, 1000, std::chrono::seconds(10));
  if (!list) {
    return CheckError(list.error());
  }
  Require(list->items.size() <= 1000 && list->continue_token.empty());
}

// Whoever holds the Lease, this replica leads only if it has written its own name, and over no other's that is in force.
void Lease(std::string_view bytes) {
  std::string written;
  World world([&](const http::Request& request) {
    if (request.method != "GET") {
      written = request.body;
    }
    return support::JsonResponse(200, request.method == "GET" ? std::string(bytes) : request.body);
  });
  kube::Leadership leadership(world.api, {"acr", "acr-admission-scan", "this-one"}, world.clock, [](base::LogLevel, std::string_view) {});
  leadership.Tick();
  if (leadership.problem()) {
    RequireShowable(*leadership.problem(), kMaxError);
  }
  Require(leadership.Leads() == !written.empty());
  const json before = json::parse(bytes, nullptr, false);
  if (!written.empty()) {
    Require(json::parse(written).at("spec").at("holderIdentity") == "this-one");
    const std::string holder = kube::TextOf(kube::MemberOf(before, "spec"), "holderIdentity");
    Require(holder.empty() || holder == "this-one", holder);
  }
}

void Refusal(std::string_view bytes) {
  http::Response response;
  response.status = bytes.empty() ? 404 : 300 + static_cast<unsigned char>(bytes.front());
  response.body = bytes.substr(bytes.empty() ? 0 : 1);
  const kube::ApiError error = kube::ReadApiError(response, base::Time{});
  CheckError(error);
  const std::string verb = kube::MissingVerb(error);
  Require(verb.size() <= kMaxError);
}

// The images that scan and webhook find in one pod are the same, and so is whether it is understood.
void Pod(std::string_view bytes) {
  auto object = base::ParseJson(bytes, "pod");
  if (!object) {
    return;
  }
  const scan::Pod pod = scan::ReadPod(*object);
  const json review = {{"apiVersion", "admission.k8s.io/v1"},
                       {"kind", "AdmissionReview"},
                       {"request",
                        {{"uid", "u"},
                         {"operation", "CREATE"},
                         {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
                         {"namespace", "shop"},
                         {"object", *object}}}};
  webhook::ReviewDecoder decoder;
  std::string body = base::DumpJson(review);
  const auto admission = decoder.Decode(body);
  Require(admission.has_value(), admission ? "" : admission.error().message);
  if (!admission->problem.empty()) {
    return;  // the webhook denies; what of it scan understands, it shows
  }
  Require(pod.problem.empty(), pod.problem);
  Require(pod.images.size() == admission->images.size());
  for (std::size_t i = 0; i < pod.images.size(); ++i) {
    const policy::ImageUse& use = admission->images[i];
    Require(pod.images[i].image == use.image && pod.images[i].container == use.container);
    Require(scan::FieldOf(pod.images[i].list, pod.images[i].index).ToString() == use.field.ToString());
  }
  Require(pod.owner.name == admission->owner_name && pod.owner.kind == admission->owner_kind && pod.owner.uid == admission->owner_uid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [asked, bytes] = fuzz::Asked(data, size);
  switch (asked) {
    case 'W':
      WatchInPieces(bytes);
      break;
    case 'I':
      List(bytes);
      break;
    case 'L':
      Lease(bytes);
      break;
    case 'E':
      Refusal(bytes);
      break;
    case 'P':
      Pod(bytes);
      break;
    default:
      return -1;
  }
  return 0;
}
