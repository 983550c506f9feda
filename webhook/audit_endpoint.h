// The endpoints of the audit API, by the path that is asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace webhook {

inline constexpr std::string_view kAuditRoot = "/audit/v1/";
inline constexpr std::string_view kAuditDecisions = "/audit/v1/decisions";
inline constexpr std::string_view kAuditSummary = "/audit/v1/summary";

enum class AuditEndpoint : std::uint8_t {
  kDecisions,
  kSummary,
  kDecision,  // one, by its uid: /audit/v1/decisions/{uid}
  kOther,     // nothing that there is
};
inline constexpr std::size_t kAuditEndpoints = 4;
std::string_view ToString(AuditEndpoint endpoint);

// Of a target that is below kAuditRoot, with or without a query.
AuditEndpoint AuditEndpointOf(std::string_view target);

}  // namespace webhook
