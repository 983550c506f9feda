// Files and Secrets with registries. The first byte says what the rest is: 'R' a registries file of any shape, 'S' a saved inventory as it
// is, 'L' one whose checksum is put right, 'Z' a compressed one, 'A' how registries might be (--as-if). What is read survives being saved
// and read again; what is no inventory is refused with its place.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/registry.h"
#include "scan/as_if.h"
#include "state/saved_inventory.h"
#include "state/zstd.h"
#include "tests/fuzz/require.h"

namespace {

using fuzz::Require;
using fuzz::RequireShowable;
using nlohmann::json;

constexpr std::string_view kFile = "fuzz.json";
constexpr base::Time kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 23);
constexpr std::size_t kMaxText = std::size_t{4} << 20;

void RequireRefusal(const base::Error& error) {
  RequireShowable(error.ToString());
  Require(error.message.starts_with(kFile), error.message);
}

bool SameChildren(const policy::ChildLists* a, const policy::ChildLists* b) {
  if (a == nullptr || b == nullptr) {
    return a == b;
  }
  return std::ranges::equal(*a, *b, [](const auto& x, const auto& y) {
    return x.first == y.first && x.second.observed == y.second.observed && x.second.resources == y.second.resources;
  });
}

void RequireSame(const policy::RegistryFacts& a, const policy::RegistryFacts& b) {
  const policy::Registry& x = a.registry;
  const policy::Registry& y = b.registry;
  Require(x.login_server == y.login_server && x.name == y.name && x.resource_id == y.resource_id && x.observed == y.observed,
          x.body.Text());
  Require(x.body == y.body, x.body.Text() + "\n" + y.body.Text());
  Require(SameChildren(x.children.get(), y.children.get()), "children");
}

// Written and read again it is the same, and written once more the same bytes.
void CheckRoundTrip(const policy::Facts& facts, bool complete) {
  const std::string text = state::WriteSavedInventory(facts, complete, kNow);
  const auto read = state::ReadSavedInventory(text, kFile, kNow);
  Require(read.has_value(), read ? "" : read.error().message + "\n" + text);
  Require(read->complete == complete && read->facts.size() == facts.size());
  for (const auto& [login_server, known] : read->facts) {
    const policy::RegistryFacts* const before = facts.Find(login_server);
    Require(before != nullptr, login_server);
    RequireSame(*before, *known);
  }
  Require(state::WriteSavedInventory(read->facts, complete, kNow) == text, text);
}

void ReadFile(std::string_view bytes) {
  const auto registries = policy::ReadRegistries(bytes, kFile, kNow);
  if (!registries) {
    return RequireRefusal(registries.error());
  }
  policy::Facts facts;
  for (const policy::Registry& registry : *registries) {
    Require(facts.Find(registry.login_server) == nullptr, "twice");
    Require(registry.login_server == base::AsciiLower(registry.login_server));
    Require(policy::IsUnderRegistrySuffix(registry.login_server), registry.login_server);
    Require(registry.body.Text().find('\n') == std::string::npos && json::parse(registry.body.Text()).is_object());
    auto known = std::make_shared<policy::RegistryFacts>();
    known->registry = registry;
    facts.Add(std::move(known));
  }
  CheckRoundTrip(facts, true);
}

void ReadSaved(std::string_view text) {
  const auto saved = state::ReadSavedInventory(text, kFile, kNow);
  if (!saved) {
    return RequireRefusal(saved.error());
  }
  for (const auto& [login_server, known] : saved->facts) {
    Require(known->registry.observed <= kNow);
    for (const policy::Finding& finding : known->verdict) {
      Require(!finding.last_compliant || *finding.last_compliant <= kNow);
    }
  }
  CheckRoundTrip(saved->facts, saved->complete);
}

void Decompress(std::string_view bytes) {
  const auto text = state::DecompressZstd(bytes, kFile, kMaxText);
  if (!text) {
    return RequireRefusal(text.error());
  }
  Require(text->size() <= kMaxText);
  const auto packed = state::CompressZstd(*text, kMaxText);
  Require(packed.has_value());
  if (*packed) {
    const auto again = state::DecompressZstd(**packed, kFile, kMaxText);
    Require(again.has_value() && *again == *text);
  }
}

// What is accepted says which registry and which members, and reads the same from what was read.
void ReadAsIf(std::string_view text) {
  const auto change = scan::ParseAsIf(text);
  if (!change) {
    return RequireShowable(change.error().ToString());
  }
  Require(change->login_server == base::AsciiLower(change->login_server) && !change->members.empty());
  std::string written = change->login_server + ":";
  for (const scan::AsIfMember& member : change->members) {
    Require(!member.steps.empty() && !member.path.empty());
    written += (&member == &change->members.front() ? " " : ", ") + member.path + "=" + base::DumpJson(member.value);
  }
  const auto again = scan::ParseAsIf(written);
  Require(again.has_value(), again ? "" : again.error().ToString() + "\n" + written);
  Require(again->login_server == change->login_server && again->members.size() == change->members.size(), written);
  for (std::size_t i = 0; i < again->members.size(); ++i) {
    Require(again->members[i].steps == change->members[i].steps && again->members[i].value == change->members[i].value, written);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [shape, bytes] = fuzz::Asked(data, size);
  switch (shape) {
    case 'R':
      ReadFile(bytes);
      break;
    case 'S':
      ReadSaved(bytes);
      break;
    case 'L':
      ReadSaved(std::string(bytes) + "{\"checksum\":\"" + base::Sha256(bytes) + "\"}\n");
      break;
    case 'A':
      ReadAsIf(bytes);
      break;
    case 'Z':
      Decompress(bytes);
      break;
    default:
      return -1;
  }
  return 0;
}
