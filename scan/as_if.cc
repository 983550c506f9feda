#include "scan/as_if.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "base/utf8.h"
#include "policy/definition_alias.h"

namespace scan {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShown = 128;
constexpr const char* kForm = "write HOST: path=value, path=value";

std::string Shown(std::string_view text) { return "\"" + base::Printable(text, kMaxShown) + "\""; }

tl::unexpected<base::Error> Bad(std::string message, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kInvalidArgument, std::move(message), std::move(remedy));
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(kBlank);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Whether commas behind it are told apart as if it were not there: no quotation marks and braces, brackets in pairs.
bool IsPath(std::string_view text) {
  bool open = false;
  for (const char c : text) {
    if (c == '"' || c == '{' || c == '}' || (c == '[' && open) || (c == ']' && !open)) {
      return false;
    }
    open = c == '[' || (open && c != ']');
  }
  return !open;
}

// At commas that stand in no JSON array, object or string.
std::vector<std::string_view> SplitMembers(std::string_view text) {
  std::vector<std::string_view> members;
  std::size_t begin = 0;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      i += c == '\\' ? 1 : 0;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if (c == ']' || c == '}') {
      depth -= depth > 0 ? 1 : 0;
    } else if (c == ',' && depth == 0) {
      members.push_back(text.substr(begin, i - begin));
      begin = i + 1;
    }
  }
  members.push_back(text.substr(begin));
  return members;
}

// Which registry it is, and what kind of thing: another value would be another registry.
bool IsIdentity(const std::vector<std::string>& steps) {
  static const std::vector<std::vector<std::string>> kIdentity = {{"name"}, {"type"}, {"id"}, {"properties", "loginServer"}};
  return std::ranges::find(kIdentity, steps) != kIdentity.end();
}

// As a definition would name it. The error is a message.
tl::expected<policy::FieldLocation, std::string> Locate(std::string_view path) {
  constexpr std::string_view kProperties = "properties.";
  if (path.starts_with(kProperties)) {
    path.remove_prefix(kProperties.size());
  }
  if (auto field = policy::LocateField(path)) {
    return field;
  }
  return policy::LocateField(std::string(policy::kRegistryType) + "/" + std::string(path));
}

json ValueOf(std::string_view text) {
  base::Result<json> value = base::ParseJson(text, "value");
  return value ? *std::move(value) : json(text);
}

// `host`: as messages show it.
base::Result<AsIfMember> ParseMember(std::string_view text, std::string_view host) {
  const std::size_t equals = text.find('=');
  const std::string_view path = Trimmed(text.substr(0, equals));
  if (equals == std::string_view::npos || path.empty()) {
    return Bad(std::string(host) + ": " + Shown(Trimmed(text)) + " is no path=value", kForm);
  }
  if (!IsPath(path)) {
    return Bad(std::string(host) + ": " + Shown(path) + " is no path: it has quotation marks or braces, or a bracket without its other",
               kForm);
  }
  const std::string_view value = Trimmed(text.substr(equals + 1));
  if (value.empty()) {
    return Bad(std::string(host) + ": " + Shown(path) + " has no value", "write null to take the member away, \"\" for an empty text");
  }
  if (value.front() == '[' || value.front() == '{' || value.front() == '"') {
    if (const auto parsed = base::ParseJson(value, base::Printable(path, kMaxShown)); !parsed) {
      return Bad(std::string(host) + ": the value of " + parsed.error().message);
    }
  }
  auto location = Locate(path);
  if (!location) {
    return Bad(std::string(host) + ": " + location.error());
  }
  if (std::ranges::find(location->steps, "") != location->steps.end()) {
    const std::string array(path.substr(0, path.find("[*]")));
    return Bad(std::string(host) + ": " + Shown(path) + " is of each element of an array", "give the whole of it: " + array + "=[…]");
  }
  if (IsIdentity(location->steps)) {
    return Bad(std::string(host) + ": " + Shown(path) + " says which registry it is, and does not change");
  }
  return AsIfMember{location->text, std::move(location->steps), ValueOf(value)};
}

// False where the body has no place for the member: something on the way to it is no object.
bool Set(json& body, const AsIfMember& member) {
  json* at = &body;
  for (std::size_t i = 0; i + 1 < member.steps.size(); ++i) {
    at = &(*at)[member.steps[i]];
    if (at->is_null()) {
      *at = json::object();
    }
    if (!at->is_object()) {
      return false;
    }
  }
  (*at)[member.steps.back()] = member.value;
  return true;
}

tl::unexpected<base::Error> Unknown(const policy::Facts& facts, const std::string& host) {
  std::vector<std::string_view> known;
  for (const auto& [login_server, registry] : facts) {
    if (base::EqualsIgnoreAsciiCase(registry->registry.name, host)) {  // a person's word for it
      return Bad(Shown(host) + ": no registry that is known has this login server", "did you mean " + Shown(login_server) + "?");
    }
    known.emplace_back(login_server);
  }
  std::ranges::sort(known);
  const std::string_view near = base::Nearest(host, known);
  return Bad(Shown(host) + ": no registry that is known has this login server",
             near.empty() ? "acr-admission registries lists those that are known" : "did you mean " + Shown(near) + "?");
}

}  // namespace

base::Result<AsIf> ParseAsIf(std::string_view text) {
  if (!base::IsUtf8(text)) {  // a value would be none that a registry can have
    return Bad(Shown(text) + " is no UTF-8", kForm);
  }
  const std::size_t colon = text.find(':');
  const std::string_view host = Trimmed(text.substr(0, colon));
  if (colon == std::string_view::npos || host.empty() || host.find('=') != std::string_view::npos) {
    return Bad(Shown(text) + ": no registry is named", kForm);
  }
  AsIf as_if{base::AsciiLower(host), {}};
  const std::string shown = base::Printable(as_if.login_server, kMaxShown);
  for (const std::string_view part : SplitMembers(text.substr(colon + 1))) {
    auto member = ParseMember(part, shown);
    if (!member) {
      return tl::unexpected(std::move(member).error());
    }
    as_if.members.push_back(*std::move(member));
  }
  return as_if;
}

base::Result<policy::Facts> ApplyAsIf(const policy::Facts& facts, const std::vector<AsIf>& changes, const policy::Policy& policy,
                                      base::Time now, policy::HiddenMembers hidden) {
  policy::Facts changed = facts;
  for (const AsIf& change : changes) {
    const policy::RegistryFacts* const known = changed.Find(change.login_server);
    if (known == nullptr) {
      return Unknown(facts, change.login_server);
    }
    base::Result<json> body = base::ParseJson(known->registry.body.Text(), change.login_server);
    if (!body || !body->is_object()) {
      return Bad(Shown(change.login_server) + ": its description cannot be read");
    }
    for (const AsIfMember& member : change.members) {
      if (!Set(*body, member)) {
        return Bad(Shown(change.login_server) + ": its description has no place for " + member.path);
      }
    }
    auto judged = std::make_shared<policy::RegistryFacts>(*known);
    judged->registry.body = policy::RegistryBody(base::DumpJson(*body));
    judged->verdict = policy::Judge(judged->registry, policy, nullptr, now, hidden, judged->states.get());
    changed.Add(std::move(judged));
  }
  return changed;
}

}  // namespace scan
