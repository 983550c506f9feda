// The audit record: one JSON object for the stored row, the `-o json` element and the
// standard-output line. The format is a contract: docs/audit.md.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "policy/admission.h"
#include "policy/decision.h"
#include "policy/policy.h"

namespace audit {

// A record is at most this long: further images are counted and hashed ("imagesOmitted": {"count", "sha256"}).
inline constexpr std::size_t kMaxRecordBytes = 64 * 1024;

// Of a rule's SHA-256 ("rules"): enough to tell the rules of one installation apart.
inline constexpr std::size_t kRuleDigits = 16;

// What is known of a request beside the review itself.
struct RequestContext {
  base::Time time{};                           // when the decision was made
  std::string_view cluster;                    // from the configuration, "" → null
  std::string_view replica;                    // this process's host name
  std::string_view peer;                       // address of the caller, without port
  std::string_view client_certificate;         // subject of a verified client certificate, "" → null
  std::string_view message;                    // what the person who was denied got to read, "" → left out
  std::span<const std::string> warnings = {};  // that they got to read beside it, also of an admission
  std::chrono::microseconds duration{0};
};

// In the place of a decision, in records of no admission but of a verdict that turned: audit/verdict_record.h.
inline constexpr std::string_view kVerdictChanged = "VerdictChanged";

// A record ready to be stored: the columns that queries use, and the text.
struct Record {
  base::Time time{};
  std::string uid;
  std::optional<policy::DecisionKind> decision = policy::DecisionKind::kAllowed;  // none: a verdict that turned
  bool dry_run = false;
  std::string namespace_name;
  std::string user;
  std::string registries;  // the distinct registries of its images, each between spaces: " a.azurecr.io docker.io "
  std::string json;        // one line, no newline
  std::string peer = {};   // address of the caller, which nobody can invent: retention shares by it first. "": nobody asked
};

std::string_view DecisionOf(const Record& record);

// Whether the text of an image or of a resource id ends as those do that had no room in their record.
bool IsCut(std::string_view text);

Record MakeRecord(const policy::Admission& admission, const policy::Decision& decision, const policy::Policy& policy,
                  const RequestContext& context);

}  // namespace audit
