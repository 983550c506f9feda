#include "policy/child_kinds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>

#include "policy/policy.h"

namespace policy {
namespace {

TEST(ChildKinds, AreFoundByNameAndTypeInAnyCase) {
  for (const ChildKind& kind : ChildKinds()) {
    EXPECT_EQ(kind.type, "Microsoft.ContainerRegistry/registries/" + std::string(kind.name));
    EXPECT_EQ(FindChildKind(kind.name), &kind);
    EXPECT_EQ(FindChildKindByType(kind.type), &kind);
    EXPECT_FALSE(kind.aliases.empty()) << kind.name;
  }
  EXPECT_EQ(FindChildKind("SCOPEMAPS"), FindChildKind("scopeMaps"));
  EXPECT_EQ(FindChildKindByType("microsoft.containerregistry/registries/cacherules"), FindChildKind("cacheRules"));
  EXPECT_EQ(FindChildKind(""), nullptr);
  EXPECT_EQ(FindChildKind("agentPools"), nullptr);
  EXPECT_EQ(FindChildKindByType("Microsoft.ContainerRegistry/registries"), nullptr);
}

TEST(ChildKinds, StandInTheRegistrysBodyOrHaveTagsWhereAzureSaysSo) {
  std::set<std::string_view> inline_kinds;
  std::set<std::string_view> indexed;
  for (const ChildKind& kind : ChildKinds()) {
    (kind.is_inline ? inline_kinds : indexed).insert(kind.is_inline || kind.is_indexed ? kind.name : "");
  }
  EXPECT_THAT(inline_kinds, testing::ElementsAre("privateEndpointConnections"));
  EXPECT_THAT(indexed, testing::ElementsAre("", "replications", "webhooks"));
}

Requirement Requiring(std::vector<const ChildKind*> kinds, Effect effect, FindingSource source) {
  auto definition = std::make_shared<Definition>();
  definition->types.children = std::move(kinds);
  Requirement requirement;
  requirement.definition = std::move(definition);
  requirement.effect = effect;
  requirement.source = source;
  return requirement;
}

TEST(NeededChildKinds, AreThoseOfRequirementsInForceThatAreEvaluatedHere) {
  const ChildKind* tokens = FindChildKind("tokens");
  const ChildKind* webhooks = FindChildKind("webhooks");
  const ChildKind* replications = FindChildKind("replications");
  const ChildKind* connections = FindChildKind("privateEndpointConnections");
  Policy policy;
  EXPECT_THAT(NeededChildKinds(policy), testing::IsEmpty());
  policy.requirements = {
      Requiring({}, Effect::kDeny, FindingSource::kRegistry),
      Requiring({connections, tokens}, Effect::kAudit, FindingSource::kRegistry),
      Requiring({tokens, webhooks}, Effect::kWarn, FindingSource::kRegistry),
      Requiring({replications}, Effect::kDisabled, FindingSource::kRegistry),
      Requiring({replications}, Effect::kDeny, FindingSource::kAzurePolicy),
  };
  EXPECT_THAT(NeededChildKinds(policy), testing::ElementsAre("tokens", "webhooks"));

  const auto related = ParseDefinition(
      R"({"policyRule": {"if": {"field": "type", "equals": "Microsoft.ContainerRegistry/registries"},
          "then": {"effect": "auditIfNotExists", "details": {"type": "Microsoft.ContainerRegistry/registries/scopeMaps"}}}})",
      "related.json", "related");
  ASSERT_TRUE(related) << related.error().message;
  policy.requirements.resize(1);
  policy.requirements[0].definition = *related;
  EXPECT_THAT(NeededChildKinds(policy), testing::ElementsAre("scopeMaps")) << "what has to exist beside it";
}

}  // namespace
}  // namespace policy
