// A small world to decide in: a policy, facts and an admission, each changed by the test that needs it otherwise.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "policy/decision.h"
#include "tests/support/fake_clock.h"

namespace policy {

inline constexpr const char* kContosoId = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

inline ImagePattern Pattern(std::string_view text) { return ImagePattern::Parse(text).value(); }

inline SourceRule SourceFor(std::string_view pattern, SourceAction action, bool unverified = false) {
  SourceRule rule;
  rule.images.push_back(Pattern(pattern));
  rule.action = action;
  rule.unverified = unverified;
  return rule;
}

inline Finding MakeFinding(std::string requirement, FindingResult result, Effect effect) {
  Finding finding;
  finding.requirement = std::move(requirement);
  finding.result = result;
  finding.effect = effect;
  return finding;
}

inline Finding Compliant(std::string requirement) { return MakeFinding(std::move(requirement), FindingResult::kCompliant, Effect::kDeny); }

inline Finding NonCompliant(std::string requirement, Effect effect = Effect::kDeny) {
  Finding finding = MakeFinding(std::move(requirement), FindingResult::kNonCompliant, effect);
  finding.evidence.push_back({"privateEndpointConnections[*] where status is Approved", "0", "at least 1", true});
  finding.remedy = "az acr update --name contoso --public-network-enabled false";
  return finding;
}

inline Finding Unknown(std::string requirement, Effect effect = Effect::kDeny) {
  Finding finding = MakeFinding(std::move(requirement), FindingResult::kUnknown, effect);
  finding.reason = "the body has no member \"encryption\"";
  return finding;
}

struct World {
  World() {
    for (const char* name : {"customer-managed-key", "private-link"}) {
      Requirement requirement;
      requirement.name = name;
      policy.requirements.push_back(std::move(requirement));
    }
    admission.uid = "00000000-0000-0000-0000-000000000001";
    admission.operation = "CREATE";
    admission.kind = "Pod";
    admission.namespace_name = "shop";
  }

  // A registry that was observed 29 s ago.
  void Know(std::string login_server, Verdict verdict, std::string resource_id = kContosoId) {
    RegistryFacts known;
    known.registry.login_server = std::move(login_server);
    known.registry.resource_id = std::move(resource_id);
    known.registry.observed = now - std::chrono::seconds(29);
    known.verdict = std::move(verdict);
    facts.Add(std::make_shared<const RegistryFacts>(std::move(known)));
  }

  ImageUse& Use(std::string image, std::string container = "cart") {
    ImageUse use;
    use.image = texts.emplace_back(std::move(image));
    use.container = texts.emplace_back(std::move(container));
    use.field = {"spec.containers", static_cast<std::uint32_t>(admission.images.size()), ".image"};
    admission.images.push_back(use);
    return admission.images.back();
  }

  void Exempt(Exemption exemption) { policy.exemptions.push_back(std::move(exemption)); }
  Exemption PrivateLinkExemption() const {
    Exemption exemption;
    exemption.name = "billing";
    exemption.requirements = {"private-link"};
    exemption.expires = now + std::chrono::hours(1);
    exemption.expires_text = "2026-11-23";
    return exemption;
  }

  Decision Decide() const { return policy::Decide(policy, facts, admission, now); }
  DecisionKind Kind() const { return Decide().kind; }

  std::deque<std::string> texts;  // what the admission's views point into
  Policy policy;
  Facts facts;
  Admission admission;
  base::Time now = support::FakeClock().Now();
};

}  // namespace policy
