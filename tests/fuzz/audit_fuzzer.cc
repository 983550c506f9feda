// What people, scripts and other replicas send to the audit log. The first byte says what the rest is: 'T' the target of a GET /audit/v1/…,
// 'C' a page's cursor, 'G' a glob and, on the next line, a text, 'D' a time or duration, 'R' a record that was read back, 'P' a page of
// another replica's, 'Q' its summary. What is accepted means one thing, in whatever way it is written again.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/cursor.h"
#include "audit/glob.h"
#include "audit/merge.h"
#include "audit/record.h"
#include "audit/recorded_admission.h"
#include "audit/replay.h"
#include "base/text.h"
#include "cli/replica_answer.h"
#include "policy/image_reference.h"
#include "policy/policy.h"
#include "tests/fuzz/require.h"
#include "webhook/audit_target.h"

namespace {

using fuzz::Require;
using fuzz::RequireShowable;
using nlohmann::json;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

std::string Escaped(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    escaped.append(1, '%').append(1, kHex[byte >> 4U]).append(1, kHex[byte & 15U]);
  }
  return escaped;
}

// The same question, asked with everything escaped.
std::string TargetOf(const webhook::AuditQuestion& question) {
  using Endpoint = webhook::AuditEndpoint;
  const audit::Query& query = question.query;
  const audit::Filter& filter = query.filter;
  std::vector<std::pair<std::string, std::string>> parameters;
  const auto add = [&parameters](const char* name, const std::string& value) {
    if (!value.empty()) {
      parameters.emplace_back(name, value);
    }
  };
  std::string target(webhook::kAuditDecisions);
  if (question.endpoint == Endpoint::kSummary) {
    target = webhook::kAuditSummary;
  } else if (question.endpoint == Endpoint::kDecision) {
    target += "/" + Escaped(filter.uid);
  } else {
    add("limit", std::to_string(query.limit));
    add("cursor", query.cursor);
    add("order", query.order == audit::Order::kNewestFirst ? "newest" : "oldest");
  }
  if (question.endpoint != Endpoint::kDecision) {
    add("since", filter.since ? base::FormatTime(*filter.since) : "");
    add("until", filter.until ? base::FormatTime(*filter.until) : "");
    add("namespace", filter.namespace_name);
    add("decision", filter.decision);
    add("registry", filter.registry);
    add("image", filter.image);
    add("user", filter.user);
    add("uid", filter.uid);
  }
  add("scope", question.replica_only ? "replica" : "cluster");
  char separator = '?';
  for (const auto& [name, value] : parameters) {
    target.append(1, separator).append(name).append(1, '=').append(Escaped(value));
    separator = '&';
  }
  return target;
}

bool Same(const webhook::AuditQuestion& a, const webhook::AuditQuestion& b) {
  const audit::Filter& x = a.query.filter;
  const audit::Filter& y = b.query.filter;
  return a.endpoint == b.endpoint && a.replica_only == b.replica_only && a.query.order == b.query.order &&
         a.query.cursor == b.query.cursor && a.query.limit == b.query.limit && x.since == y.since && x.until == y.until &&
         x.namespace_name == y.namespace_name && x.decision == y.decision && x.registry == y.registry && x.image == y.image &&
         x.user == y.user && x.uid == y.uid;
}

void Target(std::string_view rest) {
  const std::string target = std::string(webhook::kAuditRoot) + std::string(rest);
  const auto question = webhook::ParseAuditTarget(target, kNow);
  if (!question) {
    return RequireShowable(question.error(), 1024);
  }
  if (question->endpoint == webhook::AuditEndpoint::kOther) {
    return;
  }
  const std::string_view query = rest.substr(std::min(rest.find('?'), rest.size()));
  if (query.starts_with("?registry=") || query.find("&registry=") != std::string_view::npos) {
    Require(!question->query.filter.registry.empty(), "a filter that is given selects");
  }
  Require(question->query.limit >= 1 && question->query.limit <= audit::kMaxPageRows);
  const std::string written = TargetOf(*question);
  const auto again = webhook::ParseAuditTarget(written, kNow);
  Require(again.has_value(), again ? "" : again.error() + " in " + written);
  Require(Same(*question, *again), written);
}

void Cursor(std::string_view text) {
  if (const auto position = audit::ParseLogCursor(text)) {
    Require(audit::LogCursor(position->log_hex, position->sequence) == text);
  }
  const auto merged = audit::ParseMergeCursor(text);
  if (!merged) {
    return RequireShowable(merged.error().ToString());
  }
  Require(audit::ToString(*merged) == text, audit::ToString(*merged));
  Require(merged->places.size() <= audit::kMaxCursorLogs);
}

// By the definition: character by character, all ways.
bool MatchesPlainly(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& text) {
  std::vector<bool> ends(text.size() + 1);  // which beginnings of the text the pattern matches so far
  ends[0] = true;
  for (const std::string_view p : pattern) {
    std::vector<bool> next(text.size() + 1);
    for (std::size_t i = 0; i <= text.size(); ++i) {
      if (p == "*") {
        next[i] = ends[i] || (i > 0 && next[i - 1]);
      } else {
        next[i] = i > 0 && ends[i - 1] && (p == "?" || p == text[i - 1]);
      }
    }
    ends = std::move(next);
  }
  return ends[text.size()];
}

std::vector<std::string_view> Characters(std::string_view text, bool& valid) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const base::Utf8Character next = base::DecodeUtf8(text);
    valid = valid && next.valid;
    characters.push_back(text.substr(0, next.bytes));
    text.remove_prefix(next.bytes);
  }
  return characters;
}

void Glob(std::string_view bytes) {
  const std::size_t end = std::min(bytes.find('\n'), bytes.size());
  const std::string_view pattern = bytes.substr(0, end);
  const std::string_view text = bytes.substr(std::min(end + 1, bytes.size()));
  const bool matches = audit::GlobMatches(pattern, text);
  bool valid = true;
  const auto pattern_characters = Characters(pattern, valid);
  const auto text_characters = Characters(text, valid);
  if (valid && pattern.size() * text.size() < 1'000'000) {  // records and queries are UTF-8
    Require(matches == MatchesPlainly(pattern_characters, text_characters), bytes);
  }
}

// Formatted, a time has one form, which sorts as times do; all parts of a duration count.
void TimeOrDuration(std::string_view text) {
  if (const auto time = base::ParseTime(text)) {
    const std::string written = base::FormatTime(*time);
    Require(written.size() == 27 && base::ParseTime(written) == time, written);
    Require(base::FormatTimeSeconds(*time).size() == 20);
  }
  if (const auto duration = base::ParseDuration(text)) {
    Require(duration->count() >= 0 && *duration <= std::chrono::hours(24 * 36'500));
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
    Require(milliseconds == *duration && base::ParseDuration(std::to_string(milliseconds.count()) + "ms") == duration);
    RequireShowable(base::FormatAge(*duration), 32);
  }
}

// Whatever a record says, another policy decides about it in the same way twice, and between its bounds.
void Record(std::string_view bytes) {
  const auto recorded = audit::ReadRecord(bytes);
  if (!recorded) {
    return RequireShowable(recorded.error().ToString(), 8192);
  }
  Require(recorded->images.size() == recorded->admission.images.size());
  static const auto policy = policy::LoadPolicy(policy::DefaultPolicyText(), "policy.yaml", policy::DefinitionSet::WithBuiltIns());
  if (policy) {
    const audit::Replayed replayed = audit::Replay(*recorded, **policy, nullptr);
    Require(replayed.at_least <= replayed.at_most && replayed.images.size() == recorded->images.size());
    Require((replayed.certainty == audit::Certainty::kExact) == replayed.missing.empty());
    Require(replayed.certainty != audit::Certainty::kExact || replayed.at_least == replayed.at_most);
  }
}

void ReplicaPage(std::string_view bytes) {
  RequireShowable("x" + cli::ReadReplicaError(bytes), 512);
  for (const audit::Order order : {audit::Order::kNewestFirst, audit::Order::kOldestFirst}) {
    const cli::AskedPage asked{.order = order, .limit = 3};
    const auto page = cli::ReadReplicaPage(std::string(bytes), asked);
    if (!page) {
      RequireShowable(page.error().ToString());
      continue;
    }
    Require(page->rows.size() <= 3 && page->log.size() == 32);
    for (std::size_t i = 0; i < page->rows.size(); ++i) {
      const audit::Row& row = page->rows[i];
      Require(json::accept(row.record) && row.record.find('\n') == std::string::npos && row.record.size() <= audit::kMaxRecordBytes);
      Require(i == 0 || (order == audit::Order::kNewestFirst) == (row.sequence < page->rows[i - 1].sequence));
    }
  }
}

void ReplicaSummary(std::string_view bytes) {
  const auto summary = cli::ReadReplicaSummary(std::string(bytes));
  if (!summary) {
    return RequireShowable(summary.error().ToString());
  }
  for (const audit::Summary::Hour& hour : summary->hours) {
    Require(hour.counts.allowed >= 0 && hour.counts.warned >= 0 && hour.counts.denied >= 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [what, bytes] = fuzz::Asked(data, size);
  switch (what) {
    case 'T':
      Target(bytes);
      break;
    case 'C':
      Cursor(bytes);
      break;
    case 'G':
      Glob(bytes);
      break;
    case 'D':
      TimeOrDuration(bytes);
      break;
    case 'R':
      Record(bytes);
      break;
    case 'P':
      ReplicaPage(bytes);
      break;
    case 'Q':
      ReplicaSummary(bytes);
      break;
    default:
      return -1;
  }
  return 0;
}
