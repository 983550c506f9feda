// Decides admissions. Pure: no I/O, no clock but the time handed in.
#pragma once

#include <forward_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "policy/admission.h"
#include "policy/image_reference.h"
#include "policy/policy.h"
#include "policy/registry.h"
#include "policy/verdict.h"

namespace policy {

// Names under which a decision's own findings appear beside the policy's requirements, in messages, records and metrics.
inline constexpr std::string_view kInvalidReference = "invalidReference";  // refused: see section "What is checked"
inline constexpr std::string_view kNotUnderstood = "notUnderstood";
inline constexpr std::string_view kSourceRule = "sources";
inline constexpr std::string_view kOtherRegistries = "otherRegistries";
inline constexpr std::string_view kUnknownRegistry = "unknownRegistry";
inline constexpr std::string_view kStaleVerdict = "staleVerdict";

// One of these, or the policy's word for what is done about unknown findings: no requirement is called so, so that records
// tell them apart and no exemption can waive them.
bool IsDecisionsOwnName(std::string_view name);

enum class DecisionKind { kAllowed, kWarned, kDenied };
std::string_view ToString(DecisionKind kind);  // "Allowed", "Warned", "Denied"

// What a decision is whose strongest effect this is.
DecisionKind KindOf(Effect strongest);

// One finding as it weighs on one image.
struct ImageFinding {
  const Finding* finding = nullptr;    // in the facts, or in Decision::made
  Effect effect = Effect::kDisabled;   // after exemptions, grace and caps; kDisabled: weighs nothing
  std::string_view exemption;          // the exemption that waived it, or ""
  std::string_view expired_exemption;  // one that would have, had it not expired
  bool in_grace = false;               // driftGrace lowered it to Warn
};

struct ImageDecision {
  const ImageUse* use = nullptr;
  bool enforced = true;                  // false: the old object named it
  std::optional<SourceAction> action;    // none when the reference was refused
  std::string registry;                  // login server of an ACR, else the registry host; "" when refused
  const RegistryFacts* facts = nullptr;  // null: not an ACR, or unknown
  std::vector<ImageFinding> findings;    // every requirement's, Compliant ones too, where the verdict was asked
  Effect effect = Effect::kDisabled;     // the strongest of its findings
};

// Refers to the Admission, Policy and Facts it was made from, which must outlive it.
struct Decision {
  DecisionKind kind = DecisionKind::kAllowed;
  std::vector<ImageDecision> images;
  std::optional<ImageFinding> failure;  // the shape was not understood; finding->reason says how
  std::forward_list<Finding> made;      // findings that no registry's verdict holds (stable addresses)

  // The policy leaves such objects alone (`workloads: Off`): allowed, and nothing to record.
  bool NothingDecided() const { return images.empty() && !failure; }
};

Decision Decide(const Policy& policy, const Facts& facts, const Admission& admission, base::Time now);

// What one image reference means under the policy, for `explain`: the same code that decides.
struct Explanation {
  std::optional<ImageReference> reference;  // none when it does not parse
  std::string error;                        // why it is refused; "" when it may be judged
  bool acr = false;
  std::string login_server;            // of an ACR (aliases resolved), else ""
  std::optional<SourceAction> action;  // the action that meets it: a rule's, Verify for an ACR, else otherRegistries'
  std::optional<std::size_t> rule;     // index of the source rule, none when a default applied
};
Explanation Explain(const Policy& policy, std::string_view image);

// Why a requirement is not met, or could not be judged, as denials say it: "publicNetworkAccess is "Enabled" (expected Disabled)".
std::string WhyText(const Finding& finding, MessageDetail detail);

// Section 10: what a denied person reads, at most kMaxMessage bytes and always valid UTF-8. For a Denied decision.
inline constexpr std::size_t kMaxMessage = 1024;
std::string DenialMessage(const Decision& decision, const Admission& admission, const Policy& policy, base::Time now);

// One line each, at most kMaxWarning bytes: findings that warn, expired exemptions. Bounded in number.
inline constexpr std::size_t kMaxWarning = 120;
inline constexpr std::size_t kMaxWarnings = 16;  // 16 × 120 stays far below the API server's total of 4,096 runes
std::vector<std::string> Warnings(const Decision& decision, const Admission& admission, const Policy& policy, base::Time now);

}  // namespace policy
