#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "policy/decision.h"
#include "tests/policy/decision_world.h"

namespace policy {

void PrintTo(DecisionKind kind, std::ostream* out) { *out << ToString(kind); }
void PrintTo(Effect effect, std::ostream* out) { *out << ToString(effect); }
void PrintTo(SourceAction action, std::ostream* out) { *out << ToString(action); }

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

// "private-link=Deny" for each finding of the only image.
std::vector<std::string> FindingsOf(const Decision& decision, std::size_t image = 0) {
  std::vector<std::string> texts;
  for (const ImageFinding& finding : decision.images.at(image).findings) {
    texts.push_back(finding.finding->requirement + "=" + std::string(ToString(finding.effect)));
  }
  return texts;
}

TEST(Decide, CompliantRegistryIsAllowedAndItsFindingsAreKept) {
  World world;
  world.Know("contoso.azurecr.io", {Compliant("customer-managed-key"), Compliant("private-link")});
  world.Use("contoso.azurecr.io/shop/cart:1");
  const Decision decision = world.Decide();
  EXPECT_EQ(decision.kind, DecisionKind::kAllowed);
  EXPECT_THAT(FindingsOf(decision), ElementsAre("customer-managed-key=Disabled", "private-link=Disabled"));
  EXPECT_EQ(decision.images[0].registry, "contoso.azurecr.io");
  EXPECT_EQ(decision.images[0].action, SourceAction::kVerify);
  EXPECT_TRUE(decision.images[0].enforced);
  ASSERT_NE(decision.images[0].facts, nullptr);
  EXPECT_EQ(decision.images[0].facts->registry.resource_id, kContosoId);
  EXPECT_TRUE(decision.made.empty());
}

TEST(Decide, StrongestFailedRequirementDecides) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("a", Effect::kAudit), NonCompliant("b", Effect::kWarn)});
  world.Use("contoso.azurecr.io/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.Know("contoso.azurecr.io", {NonCompliant("a", Effect::kAudit), NonCompliant("b", Effect::kDeny), NonCompliant("c", Effect::kWarn)});
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.Know("contoso.azurecr.io", {NonCompliant("a", Effect::kAudit)});
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("a=Audit"));
}

TEST(Decide, OneBadImageAmongGoodOnesDenies) {
  World world;
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  world.Know("fabrikam.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Use("fabrikam.azurecr.io/a");
  world.Use("contoso.azurecr.io/b");
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
}

TEST(Decide, AnUndecidableRequirementHasASettingOfItsOwn) {
  World world;
  world.Know("contoso.azurecr.io", {Unknown("private-link")});
  world.Use("contoso.azurecr.io/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.policy.unknown_finding = Effect::kWarn;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.Know("contoso.azurecr.io", {Unknown("private-link", Effect::kAudit)});
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed) << "never more than the requirement itself asks for";
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << "what is known to be bad is not touched";
}

TEST(Decide, UnknownRegistryFollowsItsSetting) {
  World world;
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("unknownRegistry=Deny"));
  EXPECT_EQ(world.Decide().images[0].registry, "contoso.azurecr.io");
  EXPECT_EQ(world.Decide().images[0].facts, nullptr);
  world.policy.unknown_registry = Effect::kWarn;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
}

TEST(Decide, RegistriesOfEveryCloudAreUnknownNotOther) {
  World world;
  world.policy.other_registries = Effect::kDisabled;
  world.Use("contoso.azurecr.cn/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("unknownRegistry=Deny"));
}

TEST(Decide, RegistriesUnderACustomCloudsSuffixNeedAVerdict) {
  World world;
  world.policy.registry_suffixes = RegistrySuffixes().With({"azsacr.stack.example"});
  world.Know("contoso.azsacr.stack.example", {Compliant("private-link")});
  world.Use("contoso.azsacr.stack.example/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  world.Use("other.azsacr.stack.example/a");
  EXPECT_EQ(world.Decide().images[1].findings[0].finding->requirement, kUnknownRegistry);
  EXPECT_EQ(Explain(world.policy, "contoso.east.geo.azsacr.stack.example/a").login_server, "contoso.azsacr.stack.example");
  EXPECT_FALSE(Explain(world.policy, "contoso.azsacr.stack.example:5000/a").error.empty());
}

TEST(Decide, RegionalEndpointIsItsRegistry) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("Contoso.EastUS.geo.azurecr.io:443/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("private-link=Deny"));
  EXPECT_EQ(world.Decide().images[0].registry, "contoso.azurecr.io");
}

TEST(Decide, AliasIsItsRegistry) {
  World world;
  world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("images.contoso.com/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("private-link=Deny"));
  EXPECT_EQ(world.Decide().images[0].registry, "contoso.azurecr.io");
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, FirstMatchingSourceRuleWins) {
  World world;
  world.policy.sources = {SourceFor("docker.io/library/**", SourceAction::kWarn), SourceFor("docker.io/**", SourceAction::kDeny),
                          SourceFor("docker.io/library/nginx", SourceAction::kAllow)};
  world.Use("nginx");
  const Decision decision = world.Decide();
  EXPECT_EQ(decision.kind, DecisionKind::kWarned);
  EXPECT_EQ(decision.images[0].action, SourceAction::kWarn);
  EXPECT_EQ(decision.images[0].registry, "docker.io");
  EXPECT_THAT(FindingsOf(decision), ElementsAre("sources=Warn"));
  EXPECT_THAT(decision.images[0].findings[0].finding->reason, HasSubstr("docker.io/library/**"));
}

TEST(Decide, EachActionOfASourceRuleHasItsEffect) {
  const auto kind = [](SourceAction action) {
    World world;
    world.policy.sources = {SourceFor("quay.io/**", action)};
    world.Use("quay.io/a/b");
    const Decision decision = world.Decide();
    EXPECT_EQ(decision.images[0].findings.empty(), action == SourceAction::kAllow);
    return decision.kind;
  };
  EXPECT_EQ(kind(SourceAction::kAllow), DecisionKind::kAllowed);
  EXPECT_EQ(kind(SourceAction::kAudit), DecisionKind::kAllowed);
  EXPECT_EQ(kind(SourceAction::kWarn), DecisionKind::kWarned);
  EXPECT_EQ(kind(SourceAction::kDeny), DecisionKind::kDenied);
}

TEST(Decide, RegionalEndpointsAndAliasesDoNotEvadeARule) {
  World world;
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kDeny)};
  world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  for (const char* image :
       {"contoso.azurecr.io/a", "contoso.eastus.geo.azurecr.io/a", "images.contoso.com/a", "CONTOSO.azurecr.io:0443/a"}) {
    world.admission.images.clear();
    world.Use(image);
    EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << image;
  }
}

TEST(Decide, HostAsWrittenIsMatchedToo) {
  World world;
  world.policy.sources = {SourceFor("images.contoso.com/**", SourceAction::kDeny)};
  world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  world.Use("images.contoso.com/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.admission.images.clear();
  world.Use("contoso.azurecr.io/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, DockerHubsHostsDoNotEvadeARule) {
  World world;
  world.policy.other_registries = Effect::kDisabled;
  world.policy.sources = {SourceFor("docker.io/**", SourceAction::kDeny)};
  for (const char* image : {"nginx", "a/b", "index.docker.io/a/b", "registry-1.docker.io/a/b", "docker.io:443/a/b", "Docker.io/nginx"}) {
    world.admission.images.clear();
    world.Use(image);
    EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << image;
  }
}

TEST(Decide, OtherRegistriesFollowTheirSetting) {
  const auto decide = [](Effect effect) {
    World world;
    world.policy.other_registries = effect;
    world.Use("quay.io/a/b");
    const Decision decision = world.Decide();
    return std::pair(decision.images[0].action, FindingsOf(decision));
  };
  EXPECT_EQ(decide(Effect::kDeny), std::pair(std::optional(SourceAction::kDeny), std::vector<std::string>{"otherRegistries=Deny"}));
  EXPECT_EQ(decide(Effect::kWarn), std::pair(std::optional(SourceAction::kWarn), std::vector<std::string>{"otherRegistries=Warn"}));
  EXPECT_EQ(decide(Effect::kAudit), std::pair(std::optional(SourceAction::kAudit), std::vector<std::string>{"otherRegistries=Audit"}));
  EXPECT_EQ(decide(Effect::kDisabled), std::pair(std::optional(SourceAction::kAllow), std::vector<std::string>{}));
}

TEST(Decide, VerifyOfAnythingButAnAcrFallsToOtherRegistries) {
  World world;
  world.policy.sources = {SourceFor("quay.io/**", SourceAction::kVerify)};
  world.Use("quay.io/a/b");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("otherRegistries=Deny"));
}

TEST(Decide, AllowedAcrMustStillBeKnown) {
  World world;
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kAllow)};
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("unknownRegistry=Deny"));
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  EXPECT_THAT(FindingsOf(world.Decide()), IsEmpty()) << "Allow does not ask the verdict";
}

TEST(Decide, WarnAndAuditOfAnUnknownAcrDenyToo) {
  World world;
  world.Use("contoso.azurecr.io/a");
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kWarn)};
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("sources=Warn", "unknownRegistry=Deny"));
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kAudit)};
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("sources=Audit", "unknownRegistry=Deny"));
}

TEST(Decide, UnverifiedRuleNeedsNoKnownRegistry) {
  World world;
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kAllow, true)};
  world.Use("contoso.azurecr.io/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, NotAcrNeedsNoKnownRegistry) {
  World world;
  world.policy.sources = {SourceFor("mcr.microsoft.com/**", SourceAction::kAllow)};
  world.Use("mcr.microsoft.com/dotnet/aspnet:8");
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  EXPECT_EQ(world.Decide().images[0].registry, "mcr.microsoft.com");
}

TEST(Decide, ExemptionWaivesItsRequirementAlone) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("customer-managed-key"), NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Exempt(world.PrivateLinkExemption());
  const Decision decision = world.Decide();
  EXPECT_THAT(FindingsOf(decision), ElementsAre("customer-managed-key=Deny", "private-link=Disabled"));
  EXPECT_EQ(decision.images[0].findings[1].exemption, "billing");
  EXPECT_EQ(decision.images[0].findings[0].exemption, "");
}

TEST(Decide, ExemptionWaivesWhatCouldNotBeJudged) {
  World world;
  world.Know("contoso.azurecr.io", {Unknown("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Exempt(world.PrivateLinkExemption());
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, ExemptionEndsAtItsInstant) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  Exemption exemption = world.PrivateLinkExemption();
  exemption.expires = world.now;
  world.Exempt(exemption);
  const Decision decision = world.Decide();
  EXPECT_EQ(decision.kind, DecisionKind::kDenied);
  EXPECT_EQ(decision.images[0].findings[0].expired_exemption, "billing");
  EXPECT_EQ(decision.images[0].findings[0].exemption, "");
  world.policy.exemptions[0].expires = world.now + 1us;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, GoodExemptionCountsBehindAnExpiredOne) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  Exemption expired = world.PrivateLinkExemption();
  expired.expires = world.now - 1h;
  world.Exempt(expired);
  world.Exempt(world.PrivateLinkExemption());
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  EXPECT_EQ(world.Decide().images[0].findings[0].expired_exemption, "");
}

TEST(Decide, EverySelectorOfAnExemptionMustHold) {
  const auto kind = [](auto&& select, const char* image = "contoso.azurecr.io/shop/cart") {
    World world;
    world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
    world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
    world.Use(image);
    Exemption exemption = world.PrivateLinkExemption();
    select(exemption);
    world.Exempt(exemption);
    return world.Kind();
  };
  EXPECT_EQ(kind([](Exemption& e) { e.registries = {"fabrikam.azurecr.io", "contoso.azurecr.io"}; }), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.registries = {"fabrikam.azurecr.io"}; }), DecisionKind::kDenied);
  EXPECT_EQ(kind([](Exemption& e) { e.namespaces = {"shop"}; }), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.namespaces = {"shop-2", "sho", "Shop"}; }), DecisionKind::kDenied);
  EXPECT_EQ(kind([](Exemption& e) { e.images = {Pattern("contoso.azurecr.io/shop/**")}; }), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.images = {Pattern("contoso.azurecr.io/billing/**")}; }), DecisionKind::kDenied);
  EXPECT_EQ(kind([](Exemption& e) { e.images = {Pattern("contoso.azurecr.io/**")}; }, "images.contoso.com/a"), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.images = {Pattern("images.contoso.com/**")}; }, "images.contoso.com/a"), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.resource_id = base::AsciiLower(kContosoId); }), DecisionKind::kAllowed);
  EXPECT_EQ(kind([](Exemption& e) { e.resource_id = std::string(kContosoId) + "2"; }), DecisionKind::kDenied);
  const std::string group = std::string(kContosoId).substr(0, std::string(kContosoId).find("/providers/"));
  EXPECT_EQ(kind([&](Exemption& e) { e.resource_id = group; }), DecisionKind::kAllowed);
  EXPECT_EQ(kind([&](Exemption& e) { e.resource_id = group.substr(0, group.size() - 1); }), DecisionKind::kDenied);
  EXPECT_EQ(kind([](Exemption& e) { e.requirements = {"customer-managed-key"}; }), DecisionKind::kDenied);
  EXPECT_EQ(kind([](Exemption& e) {
              e.registries = {"contoso.azurecr.io"};
              e.namespaces = {"other"};
            }),
            DecisionKind::kDenied);
}

TEST(Decide, NoExemptionWaivesAnUnknownRegistryAStaleVerdictOrARefusal) {
  World world;
  Exemption exemption = world.PrivateLinkExemption();
  exemption.requirements = {"unknownRegistry", "staleVerdict", "invalidReference", "sources", "otherRegistries"};
  world.Exempt(exemption);
  world.policy.stale_after = 10s;
  world.policy.sources = {SourceFor("docker.io/**", SourceAction::kDeny)};
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  for (const char* image : {"fabrikam.azurecr.io/a", "contoso.azurecr.io/a", "contoso_corp.azurecr.io/a", "nginx", "quay.io/a/b"}) {
    world.admission.images.clear();
    world.Use(image);
    EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << image;
  }
}

TEST(Decide, StaleVerdictIsAFindingOfItsOwn) {
  World world;
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.policy.stale_after = 29s;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed) << "exactly as old as accepted";
  world.policy.stale_after = 28s;
  const Decision decision = world.Decide();
  EXPECT_THAT(FindingsOf(decision), ElementsAre("private-link=Disabled", "staleVerdict=Deny"));
  EXPECT_EQ(decision.images[0].findings[1].finding->result, FindingResult::kUnknown);
  world.policy.stale_effect = Effect::kWarn;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.policy.sources = {SourceFor("contoso.azurecr.io/**", SourceAction::kAllow)};
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed) << "only Verify asks the verdict";
}

TEST(Decide, AStateOfAzurePolicysIsUnknownWhenItWasReadTooLongAgo) {
  World world;
  RegistryFacts known;
  known.registry.login_server = "contoso.azurecr.io";
  known.registry.observed = world.now;
  known.states = std::make_shared<const ComplianceStates>(ComplianceStates{world.now - 73h, {}});
  known.verdict = {Compliant("private-link"), Compliant("customer-managed-key")};
  known.verdict[0].source = FindingSource::kAzurePolicy;
  world.facts.Add(std::make_shared<const RegistryFacts>(known));
  world.Use("contoso.azurecr.io/a");
  world.policy.stale_after = 73h;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed) << "exactly as old as accepted";
  world.policy.stale_after = 72h;
  const Decision decision = world.Decide();
  EXPECT_THAT(FindingsOf(decision), ElementsAre("private-link=Deny", "customer-managed-key=Disabled"));
  const Finding& outdated = *decision.images[0].findings[0].finding;
  EXPECT_EQ(outdated.result, FindingResult::kUnknown);
  EXPECT_THAT(outdated.reason, HasSubstr("last read 3 d 1 h ago"));
  world.policy.unknown_finding = Effect::kAudit;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);

  known.verdict[0] = Unknown("private-link");
  known.verdict[0].source = FindingSource::kAzurePolicy;
  world.facts.Add(std::make_shared<const RegistryFacts>(known));
  EXPECT_EQ(world.Decide().images[0].findings[0].finding->reason, known.verdict[0].reason) << "what was unknown keeps its reason";
}

TEST(Decide, DriftGraceWarnsForItsTime) {
  World world;
  Finding drifted = NonCompliant("private-link");
  drifted.last_compliant = world.now - 1h;
  world.Know("contoso.azurecr.io", {drifted});
  world.Use("contoso.azurecr.io/a");
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << "off by default";
  world.policy.drift_grace = 1h;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  EXPECT_TRUE(world.Decide().images[0].findings[0].in_grace);
  world.policy.drift_grace = 1h - 1us;
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  EXPECT_FALSE(world.Decide().images[0].findings[0].in_grace);
}

TEST(Decide, DriftGraceIsForKnownDriftAlone) {
  World world;
  world.policy.drift_grace = 1h;
  Finding unknown = Unknown("private-link");
  unknown.last_compliant = world.now;
  world.Know("contoso.azurecr.io", {unknown, NonCompliant("never-compliant")});
  world.Use("contoso.azurecr.io/a");
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("private-link=Deny", "never-compliant=Deny"));
}

TEST(Decide, NamespaceCapLowersItsNamespacesAlone) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Use("quay.io/a/b");
  world.policy.namespaces = {{"sandbox", Effect::kAudit}, {"dev-anna", Effect::kWarn}};
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.admission.namespace_name = "dev-anna";
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.admission.namespace_name = "dev-anna-2";
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.admission.namespace_name = "sandbox";
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, WorkloadsFollowTheirMode) {
  World world;
  world.Use("quay.io/a/b");
  world.policy.workloads = WorkloadMode::kWarn;
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << "a Pod is no workload";
  world.admission.workload = true;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.policy.workloads = WorkloadMode::kDeny;
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  world.policy.workloads = WorkloadMode::kOff;
  EXPECT_TRUE(world.Decide().NothingDecided());
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  world.admission.problem = "spec: expected an object";
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied) << "what is not understood is never skipped";
  EXPECT_THAT(world.Decide().images, IsEmpty());
}

TEST(Decide, UpdateEnforcesNewImagesAlone) {
  World world;
  world.admission.operation = "UPDATE";
  world.Use("quay.io/a/b").in_old_object = true;
  world.Use("not a reference").in_old_object = true;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
  EXPECT_THAT(FindingsOf(world.Decide()), ElementsAre("otherRegistries=Audit"));
  EXPECT_THAT(FindingsOf(world.Decide(), 1), ElementsAre("invalidReference=Audit"));
  EXPECT_FALSE(world.Decide().images[0].enforced);

  world.admission.template_changed = true;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);

  world.Use("quay.io/c/d");
  EXPECT_EQ(world.Kind(), DecisionKind::kDenied);
  EXPECT_THAT(FindingsOf(world.Decide(), 2), ElementsAre("otherRegistries=Deny"));
}

TEST(Decide, MirrorPodIsAuditedWhateverItRuns) {
  World world;
  world.admission.mirror_pod = true;
  world.Use("quay.io/a/b");
  world.Use("contoso_corp.azurecr.io/a");
  world.admission.problem = "spec.volumes: expected an array";
  const Decision decision = world.Decide();
  EXPECT_EQ(decision.kind, DecisionKind::kAllowed);
  EXPECT_THAT(FindingsOf(decision), ElementsAre("otherRegistries=Audit"));
  EXPECT_THAT(FindingsOf(decision, 1), ElementsAre("invalidReference=Audit"));
  EXPECT_EQ(decision.failure->effect, Effect::kAudit);
}

TEST(Decide, MaxEffectCapsEverything) {
  World world;
  world.Know("contoso.azurecr.io", {NonCompliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.Use("quay.io/a/b");
  world.Use("fabrikam.azurecr.io/a");
  world.Use("contoso.azurecr.io:80/a");
  world.Use("");
  world.admission.problem = "spec.volumes: expected an array";
  world.policy.max_effect = Effect::kWarn;
  EXPECT_EQ(world.Kind(), DecisionKind::kWarned);
  world.policy.max_effect = Effect::kAudit;
  EXPECT_EQ(world.Kind(), DecisionKind::kAllowed);
}

TEST(Decide, RefusalsAreLoweredByNothingElse) {
  for (const char* image : {"", "A", "contoso_corp.azurecr.io/a", "sha256:ffffffffffff", "contoso.eastus.data.azurecr.io/a",
                            "contoso.azurecr.io:80/a", "a.b.azurecr.io/a", "azurecr.io/a"}) {
    World world;
    world.policy.sources = {SourceFor("*.azurecr.io/**", SourceAction::kAllow, true), SourceFor("docker.io/**", SourceAction::kAllow)};
    world.policy.other_registries = Effect::kDisabled;
    world.policy.unknown_registry = Effect::kAudit;
    world.policy.namespaces = {{"shop", Effect::kAudit}};
    world.policy.workloads = WorkloadMode::kWarn;
    world.admission.workload = true;
    world.Use(image);
    const Decision decision = world.Decide();
    EXPECT_EQ(decision.kind, DecisionKind::kDenied) << image;
    EXPECT_THAT(FindingsOf(decision), ElementsAre("invalidReference=Deny")) << image;
    EXPECT_FALSE(decision.images[0].action) << image;
    EXPECT_EQ(decision.images[0].registry, "") << image;
  }
}

TEST(Decide, ShapeThatIsNotUnderstoodIsDenied) {
  World world;
  world.Know("contoso.azurecr.io", {Compliant("private-link")});
  world.Use("contoso.azurecr.io/a");
  world.admission.problem = "spec.initContainers: expected an array";
  world.policy.namespaces = {{"shop", Effect::kAudit}};
  const Decision decision = world.Decide();
  EXPECT_EQ(decision.kind, DecisionKind::kDenied);
  ASSERT_TRUE(decision.failure);
  EXPECT_EQ(decision.failure->finding->requirement, kNotUnderstood);
  EXPECT_EQ(decision.failure->finding->reason, world.admission.problem);
  EXPECT_EQ(decision.images.size(), 1u) << "what was understood is judged all the same";
}

TEST(Decide, DecisionMayBeMoved) {
  World world;
  world.Use("quay.io/a/b");
  world.admission.problem = "spec: expected an object";
  Decision decision = world.Decide();
  const Decision moved = std::move(decision);
  EXPECT_EQ(moved.failure->finding->requirement, kNotUnderstood);
  EXPECT_EQ(moved.images[0].findings[0].finding->requirement, kOtherRegistries);
}

TEST(Explain, SaysWhatDecides) {
  World world;
  world.policy.aliases["images.contoso.com"] = "contoso.azurecr.io";
  world.policy.sources = {SourceFor("mcr.microsoft.com/**", SourceAction::kAllow), SourceFor("quay.io/**", SourceAction::kVerify)};

  const Explanation acr = Explain(world.policy, "images.contoso.com/shop/cart:1");
  EXPECT_EQ(acr.reference->registry, "images.contoso.com");
  EXPECT_TRUE(acr.acr);
  EXPECT_EQ(acr.login_server, "contoso.azurecr.io");
  EXPECT_EQ(acr.action, SourceAction::kVerify);
  EXPECT_EQ(acr.rule, std::nullopt);
  EXPECT_EQ(acr.error, "");

  const Explanation allowed = Explain(world.policy, "mcr.microsoft.com/a");
  EXPECT_FALSE(allowed.acr);
  EXPECT_EQ(allowed.action, SourceAction::kAllow);
  EXPECT_EQ(allowed.rule, 0u);

  EXPECT_EQ(Explain(world.policy, "nginx").action, SourceAction::kDeny);
  EXPECT_EQ(Explain(world.policy, "quay.io/a/b").action, SourceAction::kDeny);
  EXPECT_EQ(Explain(world.policy, "quay.io/a/b").rule, std::nullopt) << "otherRegistries decides, not the rule";
}

TEST(Explain, SaysWhyAReferenceIsRefused) {
  const World world;
  const Explanation unparsable = Explain(world.policy, "A/B");
  EXPECT_FALSE(unparsable.reference);
  EXPECT_THAT(unparsable.error, HasSubstr("lower-case"));
  EXPECT_FALSE(unparsable.action);

  const Explanation no_login_server = Explain(world.policy, "contoso.azurecr.io:80/a");
  EXPECT_EQ(no_login_server.reference->registry, "contoso.azurecr.io:80");
  EXPECT_THAT(no_login_server.error, HasSubstr("port 443"));
  EXPECT_FALSE(no_login_server.acr);
  EXPECT_FALSE(no_login_server.action);
}

}  // namespace
}  // namespace policy
