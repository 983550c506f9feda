#include "webhook/audit_target.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "audit/registry_argument.h"
#include "audit/time_argument.h"
#include "base/text.h"
#include "base/utf8.h"

namespace webhook {
namespace {

using Error = tl::unexpected<std::string>;

constexpr std::size_t kShownBytes = 64;      // of a text that is complained about
constexpr std::size_t kNamespaceBytes = 64;  // a DNS label, and '*'
constexpr std::size_t kUidBytes = 256;       // a UUID has 36; records keep no more
constexpr std::size_t kRegistryBytes = 256;  // a DNS name
constexpr std::size_t kTextBytes = 1024;     // users and images: records keep no more
constexpr std::size_t kCursorBytes = 4096;   // one of 50 bytes for each of 80 replicas
constexpr std::size_t kWordBytes = 64;       // times, numbers, words

constexpr std::array<std::string_view, 4> kDecisions = {"Allowed", "Warned", "Denied", audit::kVerdictChanged};

std::string Shown(std::string_view text) { return base::Printable(text, kShownBytes); }

Error Complain(std::string_view name, std::string_view what) { return Error(std::string(name).append(": ").append(what)); }

std::optional<unsigned> HexDigit(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  const char lower = static_cast<char>(digit | 0x20);
  return lower >= 'a' && lower <= 'f' ? std::optional<unsigned>(lower - 'a' + 10) : std::nullopt;
}

bool IsPlainText(std::string_view text) {
  while (!text.empty()) {
    const base::Utf8Character next = base::DecodeUtf8(text);
    if (!next.valid || next.code_point < 0x20 || (next.code_point >= 0x7f && next.code_point < 0xa0)) {
      return false;
    }
    text.remove_prefix(next.bytes);
  }
  return true;
}

// A '+' means itself to some and a space to others, so that a time "12:00+01:00" would be read in two ways.
tl::expected<std::string, std::string> Unescape(std::string_view name, std::string_view raw, std::size_t most) {
  if (raw.empty()) {
    return Complain(name, "is empty; give a value or leave it out");
  }
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] == '+') {
      return Complain(name, "has a '+', which clients mean differently; write %2B for it, or %20 for a space");
    }
    if (raw[i] != '%') {
      text.push_back(raw[i]);
      continue;
    }
    const auto high = i + 2 < raw.size() ? HexDigit(raw[i + 1]) : std::nullopt;
    const auto low = i + 2 < raw.size() ? HexDigit(raw[i + 2]) : std::nullopt;
    if (!high || !low) {
      return Complain(name, "has a '%' without two hexadecimal digits; write %25 for '%'");
    }
    text.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  if (text.size() > most) {
    return Complain(name, "is longer than " + std::to_string(most) + " bytes");
  }
  if (!IsPlainText(text)) {
    return Complain(name, "is no UTF-8, or has control characters");
  }
  return text;
}

// Each gets a value that is unescaped, and returns what is wrong with it, or "".
using Set = std::string (*)(AuditQuestion& question, std::string value, base::Time now);

std::string SetTime(std::optional<base::Time>& out, std::string_view name, const std::string& value, base::Time now) {
  const auto time = audit::ParseTimeArgument(name, value, now);
  if (!time) {
    return time.error().ToString();
  }
  out = *time;
  return "";
}

std::string SetSince(AuditQuestion& question, std::string value, base::Time now) {
  return SetTime(question.query.filter.since, "since", value, now);
}

std::string SetUntil(AuditQuestion& question, std::string value, base::Time now) {
  return SetTime(question.query.filter.until, "until", value, now);
}

// What is no name of a namespace matches nothing: said, since it decides which permission is asked for.
std::string SetNamespace(AuditQuestion& question, std::string value, base::Time /*now*/) {
  const std::string_view name = std::string_view(value).substr(0, value.size() - (value.ends_with('*') ? 1 : 0));
  const bool plain =
      std::all_of(name.begin(), name.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!plain) {
    return "namespace: " + Shown(value) + " is no namespace; give its name, or the beginning of names followed by '*'";
  }
  question.query.filter.namespace_name = std::move(value);
  return "";
}

std::string SetDecision(AuditQuestion& question, std::string value, base::Time /*now*/) {
  for (const std::string_view decision : kDecisions) {
    if (base::EqualsIgnoreAsciiCase(value, decision)) {
      if (decision == audit::kVerdictChanged && question.endpoint == AuditEndpoint::kSummary) {
        return "decision: a summary counts admissions; ask " + std::string(kAuditDecisions) + " for verdicts that turned";
      }
      question.query.filter.decision = decision;
      return "";
    }
  }
  return "decision: " + Shown(value) + " is no decision; give Allowed, Warned, Denied or VerdictChanged";
}

std::string SetRegistry(AuditQuestion& question, std::string value, base::Time /*now*/) {
  auto registry = audit::ParseRegistryArgument("registry", value);
  if (!registry) {
    return registry.error().ToString();
  }
  question.query.filter.registry = *std::move(registry);
  return "";
}

std::string SetImage(AuditQuestion& question, std::string value, base::Time /*now*/) {
  question.query.filter.image = std::move(value);
  return "";
}

std::string SetUser(AuditQuestion& question, std::string value, base::Time /*now*/) {
  question.query.filter.user = std::move(value);
  return "";
}

std::string SetUid(AuditQuestion& question, std::string value, base::Time /*now*/) {
  question.query.filter.uid = std::move(value);
  return "";
}

std::string SetLimit(AuditQuestion& question, std::string value, base::Time /*now*/) {
  std::int64_t limit = 0;
  const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), limit);
  if (error != std::errc() || last != value.data() + value.size() || limit < 1 || limit > audit::kMaxPageRows) {
    return "limit: expected a number from 1 to " + std::to_string(audit::kMaxPageRows) + ", got " + Shown(value);
  }
  question.query.limit = limit;
  return "";
}

std::string SetCursor(AuditQuestion& question, std::string value, base::Time /*now*/) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == ',' || c == '-';
  });
  if (!plain) {
    return "cursor: this is none; give what `next` of the page before was";
  }
  question.query.cursor = std::move(value);
  return "";
}

std::string SetOrder(AuditQuestion& question, std::string value, base::Time /*now*/) {
  if (value != "newest" && value != "oldest") {
    return "order: expected newest or oldest, got " + Shown(value);
  }
  question.query.order = value == "newest" ? audit::Order::kNewestFirst : audit::Order::kOldestFirst;
  return "";
}

std::string SetScope(AuditQuestion& question, std::string value, base::Time /*now*/) {
  if (value != "cluster" && value != "replica") {
    return "scope: expected cluster or replica, got " + Shown(value);
  }
  question.replica_only = value == "replica";
  return "";
}

struct Parameter {
  std::string_view name;
  std::size_t most_bytes;
  Set set;
};

// Filters first, then what pages alone have, then `scope`: each endpoint takes a run of them.
constexpr std::array kParameters = {
    Parameter{"limit", kWordBytes, SetLimit},
    Parameter{"cursor", kCursorBytes, SetCursor},
    Parameter{"order", kWordBytes, SetOrder},
    Parameter{"since", kWordBytes, SetSince},
    Parameter{"until", kWordBytes, SetUntil},
    Parameter{"namespace", kNamespaceBytes, SetNamespace},
    Parameter{"decision", kWordBytes, SetDecision},
    Parameter{"registry", kRegistryBytes, SetRegistry},
    Parameter{"image", kTextBytes, SetImage},
    Parameter{"user", kTextBytes, SetUser},
    Parameter{"uid", kUidBytes, SetUid},
    Parameter{"scope", kWordBytes, SetScope},
};
constexpr std::size_t kPaging = 3;

std::span<const Parameter> ParametersOf(AuditEndpoint endpoint) {
  const std::span<const Parameter> all(kParameters);
  switch (endpoint) {
    case AuditEndpoint::kDecisions:
      return all;
    case AuditEndpoint::kSummary:
      return all.subspan(kPaging);
    case AuditEndpoint::kDecision:
      return all.last(1);
    case AuditEndpoint::kOther:
      break;
  }
  return {};
}

}  // namespace

std::span<const std::string_view> AuditParametersOf(AuditEndpoint endpoint) {
  static constexpr auto kNames = [] {
    std::array<std::string_view, kParameters.size()> names;
    std::transform(kParameters.begin(), kParameters.end(), names.begin(), [](const Parameter& parameter) { return parameter.name; });
    return names;
  }();
  const std::size_t count = ParametersOf(endpoint).size();
  return std::span<const std::string_view>(kNames).last(count);
}

tl::expected<AuditQuestion, std::string> ParseAuditTarget(std::string_view target, base::Time now) {
  AuditQuestion question{.endpoint = AuditEndpointOf(target)};
  const std::size_t question_mark = std::min(target.find('?'), target.size());
  if (question.endpoint == AuditEndpoint::kDecision) {
    const std::size_t begin = kAuditDecisions.size() + 1;
    auto uid = Unescape("the uid", target.substr(begin, question_mark - begin), kUidBytes);
    if (!uid) {
      return Error(std::move(uid.error()));
    }
    question.query.filter.uid = *std::move(uid);
    question.query.limit = 1;
  }
  std::string_view rest = target.substr(std::min(question_mark + 1, target.size()));
  const std::span<const Parameter> parameters = ParametersOf(question.endpoint);
  std::vector<std::string_view> seen;
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
    const std::string_view name = pair.substr(0, pair.find('='));
    const auto known =
        std::find_if(parameters.begin(), parameters.end(), [name](const Parameter& parameter) { return parameter.name == name; });
    if (known == parameters.end()) {
      const std::span<const std::string_view> names = AuditParametersOf(question.endpoint);
      const std::string_view nearest = base::Nearest(name, {names.begin(), names.end()});
      return Complain("\"" + Shown(name) + "\"", nearest.empty()
                                                     ? std::string("is no parameter of this endpoint")
                                                     : "is no parameter of this endpoint; did you mean " + std::string(nearest) + "?");
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return Complain(name, "is given more than once");
    }
    seen.push_back(known->name);
    auto value = Unescape(name, pair.substr(std::min(name.size() + 1, pair.size())), known->most_bytes);
    if (!value) {
      return Error(std::move(value.error()));
    }
    if (std::string wrong = known->set(question, *std::move(value), now); !wrong.empty()) {
      return Error(std::move(wrong));
    }
  }
  return question;
}

}  // namespace webhook
