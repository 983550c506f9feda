#include "cli/audit_filter.h"

#include <array>
#include <string_view>
#include <utility>

#include "audit/record.h"
#include "audit/registry_argument.h"
#include "base/text.h"
#include "cli/local_time.h"

namespace cli {
namespace {

base::Result<std::string> DecisionOf(const std::string& text) {
  constexpr std::array<std::string_view, 4> kDecisions = {"Allowed", "Warned", "Denied", audit::kVerdictChanged};
  for (const std::string_view decision : kDecisions) {
    if (base::EqualsIgnoreAsciiCase(text, decision)) {
      return std::string(decision);
    }
  }
  return base::Fail(base::ErrorCode::kInvalidArgument, "--decision " + text + ": is no decision",
                    "give Allowed, Warned, Denied or VerdictChanged");
}

}  // namespace

std::string ClusterOf(const std::string& argument) { return argument == "*" ? std::string() : argument; }

base::Result<audit::Filter> AuditFilterOf(const AuditFilterArguments& arguments, base::Time now) {
  audit::Filter filter;
  if (!arguments.since.empty()) {
    const auto since = ParseTimeOfPerson("--since", arguments.since, now);
    if (!since) {
      return tl::unexpected(since.error());
    }
    filter.since = *since;
  }
  if (!arguments.until.empty()) {
    const auto until = ParseTimeOfPerson("--until", arguments.until, now);
    if (!until) {
      return tl::unexpected(until.error());
    }
    filter.until = *until;
  }
  if (!arguments.decision.empty()) {
    auto decision = DecisionOf(arguments.decision);
    if (!decision) {
      return tl::unexpected(decision.error());
    }
    filter.decision = *std::move(decision);
  }
  filter.namespace_name = arguments.namespace_name;
  if (!arguments.registry.empty()) {
    auto registry = audit::ParseRegistryArgument("--registry", arguments.registry);
    if (!registry) {
      return tl::unexpected(registry.error());
    }
    filter.registry = *std::move(registry);
  }
  filter.image = arguments.image;
  filter.user = arguments.user;
  filter.uid = arguments.uid;
  filter.cluster = ClusterOf(arguments.cluster);
  return filter;
}

}  // namespace cli
