// What Azure may answer, from Resource Manager, Resource Graph, Policy Insights and Entra. The first byte says what was asked, the rest is
// the bodies of one answer after the other, a record separator (0x1e) between them. What is read is what was asked for, or an error that
// can be shown.
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "azure/child_reader.h"
#include "azure/policy_assignments.h"
#include "azure/policy_states.h"
#include "azure/registry_reader.h"
#include "azure/resource_id.h"
#include "azure/token_response.h"
#include "base/text.h"
#include "policy/policy_import.h"
#include "tests/azure/arm_world.h"
#include "tests/fuzz/require.h"

namespace {

using fuzz::Require;
using fuzz::RequireShowable;
using nlohmann::json;

const std::string kSubscription = "00000000-0000-0000-0000-000000000000";
const std::string kRegistry =
    "/subscriptions/" + kSubscription + "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";
constexpr std::size_t kMaxError = 8192;

std::vector<std::string> Bodies(std::string_view bytes) {
  std::vector<std::string> bodies;
  for (std::size_t begin = 0; begin <= bytes.size();) {
    const std::size_t end = std::min(bytes.find('\x1e', begin), bytes.size());
    bodies.emplace_back(bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  return bodies;
}

// Answers with the bodies, and with an empty list after the last: an answer ends.
class Answers {
 public:
  Answers(int status, std::string_view bytes) : status_(status), bodies_(Bodies(bytes)) {}

  base::Result<http::Response> operator()(const http::Request&) {
    const bool more = next_ < bodies_.size();
    return support::JsonResponse(more ? status_ : 200, more ? bodies_[next_++] : R"({"value":[]})");
  }

 private:
  int status_;
  std::vector<std::string> bodies_;
  std::size_t next_ = 0;
};

// Time goes on while it waits, so that all waiting ends.
struct World {
  World(int status, std::string_view bytes) : arm(Answers(status, bytes)) {}

  azure::Pause Pause() {
    return [this](std::chrono::milliseconds time) { arm.clock.Advance(time); };
  }
  std::unique_ptr<azure::RegistryReader> Reader() {
    return azure::MakeRegistryReader(arm.arm, arm.clock, std::string(azure::kRegistryApiVersion), Pause());
  }

  azure::ArmWorld arm;
};

void CheckError(const azure::ArmError& error) {
  RequireShowable(error.ToString(), kMaxError);
  Require(error.retry_after.count() >= 0);
  for (const std::string* text : {&error.code, &error.message, &error.correlation_id, &error.remedy}) {
    if (!text->empty()) {
      RequireShowable(*text, kMaxError);
    }
  }
}

void CheckRegistry(const policy::Registry& registry) {
  Require(registry.login_server == base::AsciiLower(registry.login_server));
  Require(policy::ClassifyRegistryHost(registry.login_server).login_server == registry.login_server, registry.login_server);
  Require(registry.body.Text().find('\n') == std::string::npos && json::parse(registry.body.Text()).is_object());
  const auto again = policy::ReadRegistries(registry.body.Text(), "again", registry.observed);
  Require(again.has_value() && again->size() == 1, again ? "not one" : again.error().message);
  const policy::Registry& same = again->front();
  Require(same.login_server == registry.login_server && same.name == registry.name && same.resource_id == registry.resource_id &&
          json::parse(same.body.Text()) == json::parse(registry.body.Text()));
}

void List(std::string_view bytes) {
  World world(200, bytes);
  const auto list = world.Reader()->List(kSubscription, azure::kDeadline);
  if (!list) {
    return CheckError(list.error());
  }
  std::set<std::string> login_servers;
  for (const policy::Registry& registry : *list) {
    CheckRegistry(registry);
    Require(policy::IsInSubscription(registry, kSubscription));
    Require(login_servers.insert(registry.login_server).second, "twice");
  }
}

void Get(std::string_view bytes) {
  World world(200, bytes);
  const auto registry = world.Reader()->Get(kRegistry, azure::kDeadline);
  if (!registry) {
    return CheckError(registry.error());
  }
  CheckRegistry(*registry);
  Require(base::EqualsIgnoreAsciiCase(registry->resource_id, kRegistry));
}

void Children(std::string_view bytes) {
  World world(200, bytes);
  const auto list = world.Reader()->ListChildren(kRegistry, "tokens", azure::kDeadline);
  if (!list) {
    return CheckError(list.error());
  }
  const json children = json::parse(list->resources);
  Require(list->problem.empty() && children.is_array() && children.size() <= azure::kMaxChildren);
  Require(list->resources.size() <= azure::kMaxChildrenBytes + 2 && list->resources.find('\n') == std::string::npos);
  std::set<std::string> ids;
  for (const json& child : children) {
    const std::string id = base::AsciiLower(child.at("id").get<std::string>());
    Require(id.starts_with(base::AsciiLower(kRegistry + "/tokens/")), id);
    Require(ids.insert(id).second, id);
  }
}

void Discover(std::string_view bytes) {
  World world(200, bytes);
  const auto found = world.Reader()->Discover({}, azure::kDeadline);
  if (!found) {
    return CheckError(found.error());
  }
  std::set<std::string> ids;
  for (const azure::Discovered& row : *found) {
    const auto id = azure::ParseRegistryId(row.resource_id);
    Require(id.has_value() && base::AsciiLower(id->subscription) == row.subscription, row.resource_id);
    Require(row.login_server == base::AsciiLower(row.login_server));
    Require(ids.insert(base::AsciiLower(row.resource_id)).second, "twice");
  }
}

void States(std::string_view bytes) {
  World world(200, bytes);
  const auto states = azure::MakeStatesReader(world.arm.arm, world.arm.clock, world.Pause())(kSubscription, azure::kDeadline);
  if (!states) {
    return CheckError(states.error());
  }
  Require(states->subscription == kSubscription);
  for (const auto& [resource_id, opinions] : states->registries) {
    const auto id = azure::ParseRegistryId(resource_id);
    Require(id.has_value() && id->subscription == kSubscription && resource_id == base::AsciiLower(resource_id));
    for (const auto& [definition, opinion] : opinions) {
      Require(!definition.empty() && definition == base::AsciiLower(definition));
    }
  }
}

// The whole way of an import.
void Assignments(std::string_view bytes) {
  World world(200, bytes);
  const azure::Wait wait = [&world](std::chrono::milliseconds time) {
    world.arm.clock.Advance(time);
    return true;
  };
  const azure::PolicyAssignments read = azure::ReadPolicyAssignments({&world.arm.arm}, {{kSubscription}, {}}, wait, world.arm.clock);
  for (const std::string& problem : read.problems) {
    RequireShowable(problem, kMaxError);
  }
  const policy::ImportedPolicy imported = policy::ImportPolicy(read.assigned, world.arm.clock.Now());
  const policy::ImportedPolicy again = policy::ImportPolicy(read.assigned, world.arm.clock.Now());
  Require(imported.rules == again.rules && imported.definitions == again.definitions && imported.problems == again.problems);
  for (const auto& [file, text] : imported.definitions) {
    Require(file.ends_with(".json") && file.find('/') == std::string::npos && !file.starts_with('.'), file);
    Require(json::accept(text), text);
  }
  for (const std::string& problem : imported.problems) {
    RequireShowable(problem, kMaxError);
  }
  const auto composed = policy::ComposeImportedPolicy(policy::DefaultImportBase(), "base.yaml", imported);
  Require(composed.has_value() && composed->starts_with(policy::kImportedPolicyHeader));
}

// No error repeats the answer, which holds a token.
void Token(std::string_view bytes) {
  constexpr std::string_view kMarker = "eyJhbGciOiJSUzI1NiJ9";  // in the seeds
  const base::Time now = base::ParseTime("2026-11-23T12:00:00Z").value();
  const auto token = azure::ParseToken(bytes, now);
  if (!token) {
    Require(token.error().ToString().find(kMarker) == std::string::npos, token.error().message);
    return RequireShowable(token.error().ToString(), kMaxError);
  }
  Require(!token->value.empty() && token->value.find_first_of("\r\n") == std::string::npos, "a header would end");
  Require(token->expires > now && token->refresh <= token->expires);
}

void Refusal(std::string_view bytes) {
  constexpr std::string_view kSecret = "s3cr3t~/+ %value";
  const azure::TokenRefusal refusal = azure::ParseRefusal(bytes, kSecret);
  for (const std::string* text : {&refusal.code, &refusal.message, &refusal.correlation_id}) {
    if (!text->empty()) {
      RequireShowable(*text, kMaxError);
    }
    Require(text->find(kSecret) == std::string::npos && text->find("s3cr3t~%2F%2B%20%25value") == std::string::npos, *text);
  }
}

// Any status, and a body that says why.
void Error(std::string_view bytes) {
  const int status = bytes.empty() ? 404 : 300 + static_cast<unsigned char>(bytes.front());
  World world(status, bytes.substr(bytes.empty() ? 0 : 1));
  const auto registry = world.Reader()->Get(kRegistry, azure::kDeadline);
  Require(!registry.has_value());
  CheckError(registry.error());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [asked, bytes] = fuzz::Asked(data, size);
  switch (asked) {
    case 'L':
      List(bytes);
      break;
    case 'G':
      Get(bytes);
      break;
    case 'C':
      Children(bytes);
      break;
    case 'D':
      Discover(bytes);
      break;
    case 'S':
      States(bytes);
      break;
    case 'A':
      Assignments(bytes);
      break;
    case 'T':
      Token(bytes);
      break;
    case 'R':
      Refusal(bytes);
      break;
    case 'E':
      Error(bytes);
      break;
    default:
      return -1;
  }
  return 0;
}
