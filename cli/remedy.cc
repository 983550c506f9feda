#include "cli/remedy.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/text.h"

namespace cli {
namespace {

constexpr std::string_view kAzAcr = "az acr ";

bool IsIdentifierCharacter(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-'; }

// The ID of "/subscriptions/ID/resourceGroups/…"; "" where it is no plain identifier: what is pasted into a shell holds
// nothing that a shell would read.
std::string_view SubscriptionOf(std::string_view resource_id) {
  constexpr std::string_view kPrefix = "/subscriptions/";
  if (!base::EqualsIgnoreAsciiCase(resource_id.substr(0, kPrefix.size()), kPrefix)) {
    return {};
  }
  resource_id.remove_prefix(kPrefix.size());
  const std::string_view id = resource_id.substr(0, resource_id.find('/'));
  return std::all_of(id.begin(), id.end(), IsIdentifierCharacter) ? id : std::string_view();
}

}  // namespace

std::string RemedyCommand(const policy::Finding& finding, const policy::Registry& registry) {
  if (finding.result == policy::FindingResult::kCompliant) {
    return {};
  }
  const std::string_view subscription = SubscriptionOf(registry.resource_id);
  std::string command = finding.remedy;
  if (subscription.empty() || command.find("--subscription") != std::string::npos) {
    return command;
  }
  const std::string option = " --subscription " + std::string(subscription);
  for (std::size_t at = command.find(kAzAcr); at != std::string::npos; at = command.find(kAzAcr, at)) {
    // The command ends where the text does, or the $(…) that it is in.
    at = std::min(command.find(')', at), command.size());
    command.insert(at, option);
    at += option.size();
  }
  return command;
}

}  // namespace cli
