#include "scan/as_if.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"

namespace scan {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

AsIf Parsed(std::string_view text) {
  auto as_if = ParseAsIf(text);
  EXPECT_TRUE(as_if) << as_if.error().ToString();
  return as_if.value_or(AsIf());
}

std::string ErrorOf(std::string_view text) {
  const auto as_if = ParseAsIf(text);
  return as_if ? "none" : as_if.error().ToString();
}

TEST(AsIf, NamesARegistryAndItsMembers) {
  const AsIf as_if = Parsed(
      " Contoso.azurecr.io : publicNetworkAccess=Enabled, SKU.name = Basic,adminUserEnabled=true,"
      R"(networkRuleSet.ipRules=[{"action":"Allow","value":"1.2.3.4, [odd]\""}], tags.team=null, properties.zoneRedundancy="a,b")");
  EXPECT_EQ(as_if.login_server, "contoso.azurecr.io");
  ASSERT_EQ(as_if.members.size(), 6U);
  EXPECT_THAT(as_if.members[0].steps, ElementsAre("properties", "publicNetworkAccess"));
  EXPECT_EQ(as_if.members[0].value, "Enabled");
  EXPECT_THAT(as_if.members[1].steps, ElementsAre("sku", "name"));
  EXPECT_EQ(as_if.members[1].value, "Basic");
  EXPECT_EQ(as_if.members[2].value, true);
  EXPECT_THAT(as_if.members[3].steps, ElementsAre("properties", "networkRuleSet", "ipRules"));
  EXPECT_EQ(as_if.members[3].value, (json{{{"action", "Allow"}, {"value", "1.2.3.4, [odd]\""}}}));
  EXPECT_THAT(as_if.members[4].steps, ElementsAre("tags", "team"));
  EXPECT_EQ(as_if.members[4].value, nullptr);
  EXPECT_EQ(as_if.members[5].value, "a,b");
}

TEST(AsIf, OfAnotherFormIsAnErrorThatSaysWhichIsMeant) {
  for (const char* text : {"", "contoso.azurecr.io", "publicNetworkAccess=Enabled", ": a=b", "contoso.azurecr.io:", "contoso.azurecr.io: x",
                           "contoso.azurecr.io: =x", "contoso.azurecr.io: publicNetworkAccess=Enabled,"}) {
    EXPECT_THAT(ErrorOf(text), HasSubstr("HOST: path=value")) << text;
  }
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: publicNetworkAccess="), HasSubstr("has no value"));
  for (const char* path : {"tags.a\"b", "tags.{a", "tags.a}", "tags['a", "tags.a]", "tags.a[[b]]"}) {  // it would take the comma behind it
    EXPECT_THAT(ErrorOf("contoso.azurecr.io: " + std::string(path) + "=1, sku.name=Basic"), HasSubstr("is no path: ")) << path;
  }
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: sku.name=B\xff"), HasSubstr("is no UTF-8"));
  EXPECT_THAT(ErrorOf("contoso\x1b.azurecr.io: a\x1b=[x"), HasSubstr("contoso?.azurecr.io: the value of a?:1:"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: networkRuleSet.ipRules=[{]"), HasSubstr("networkRuleSet.ipRules:1:"));
}

TEST(AsIf, OfAMemberThatNoRegistryHasSaysWhichIsMeant) {
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: publicNetworkAcess=Enabled"), HasSubstr("did you mean \"publicNetworkAccess\"?"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: privateEndpointConnections[*].name=x"), HasSubstr("privateEndpointConnections=[…]"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: loginServer=x.azurecr.io"), HasSubstr("which registry it is"));
  EXPECT_THAT(ErrorOf("contoso.azurecr.io: name=x"), HasSubstr("which registry it is"));
}

// fabrikam keeps the public network out, contoso does not.
class AsIfApplied : public ::testing::Test {
 protected:
  AsIfApplied() {
    const auto loaded = policy::LoadPolicy(
        "apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\nrequirements:\n  - {definition: public-network-access-disabled, effect: "
        "Deny}\n"
        "  - {definition: premium-sku, effect: Deny}\ndriftGrace: 30d\n",
        "policy.yaml", policy::DefinitionSet::WithBuiltIns());
    EXPECT_TRUE(loaded);
    policy_ = loaded.value();
    for (const auto& [name, access] : {std::pair("contoso", "Enabled"), std::pair("fabrikam", "Disabled")}) {
      auto facts = std::make_shared<policy::RegistryFacts>();
      facts->registry.login_server = std::string(name) + ".azurecr.io";
      facts->registry.name = name;
      facts->registry.resource_id =
          std::string("/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/") + name;
      facts->registry.observed = now_;
      const json body = {{"name", name},
                         {"id", facts->registry.resource_id},
                         {"type", "Microsoft.ContainerRegistry/registries"},
                         {"sku", {{"name", "Premium"}}},
                         {"properties", {{"loginServer", facts->registry.login_server}, {"publicNetworkAccess", access}}}};
      facts->registry.body = policy::RegistryBody(body.dump());
      facts->verdict = policy::Judge(facts->registry, *policy_, nullptr, now_);
      facts_.Add(std::move(facts));
    }
  }

  base::Result<policy::Facts> Apply(const std::vector<std::string>& texts) const {
    std::vector<AsIf> changes;
    for (const std::string& text : texts) {
      changes.push_back(Parsed(text));
    }
    return ApplyAsIf(facts_, changes, *policy_, now_, policy::HiddenMembers::kAsAzure);
  }
  static std::vector<policy::FindingResult> ResultsOf(const policy::Facts& facts, const char* login_server) {
    std::vector<policy::FindingResult> results;
    for (const policy::Finding& finding : facts.Find(login_server)->verdict) {
      results.push_back(finding.result);
    }
    return results;
  }

  static constexpr auto kGood = policy::FindingResult::kCompliant;
  static constexpr auto kBad = policy::FindingResult::kNonCompliant;
  const base::Time now_ = base::ParseTime("2026-11-23T12:00:00Z").value();
  std::shared_ptr<const policy::Policy> policy_;
  policy::Facts facts_;
};

TEST_F(AsIfApplied, ChangesThatRegistryAlone) {
  ASSERT_THAT(ResultsOf(facts_, "fabrikam.azurecr.io"), ElementsAre(kGood, kGood));
  const auto changed = Apply({"fabrikam.azurecr.io: publicNetworkAccess=Enabled", "FABRIKAM.azurecr.io: sku.name=Basic"});
  ASSERT_TRUE(changed) << changed.error().ToString();
  EXPECT_THAT(ResultsOf(*changed, "fabrikam.azurecr.io"), ElementsAre(kBad, kBad));
  EXPECT_EQ(changed->Find("fabrikam.azurecr.io")->verdict[0].last_compliant, std::nullopt) << "no grace hides what follows";
  EXPECT_EQ(changed->Find("contoso.azurecr.io"), facts_.Find("contoso.azurecr.io"));
  EXPECT_THAT(ResultsOf(facts_, "fabrikam.azurecr.io"), ElementsAre(kGood, kGood)) << "what is known stays";
}

TEST_F(AsIfApplied, ShowsWhatMendsToo) {
  const auto changed = Apply({"contoso.azurecr.io: publicNetworkAccess=Disabled"});
  ASSERT_TRUE(changed);
  EXPECT_THAT(ResultsOf(*changed, "contoso.azurecr.io"), ElementsAre(kGood, kGood));
}

TEST_F(AsIfApplied, MakesWhatIsNotThere) {
  const auto changed = Apply({"contoso.azurecr.io: encryption.keyVaultProperties.keyIdentifier=k, identity.type=SystemAssigned"});
  ASSERT_TRUE(changed);
  const json body = json::parse(changed->Find("contoso.azurecr.io")->registry.body.Text());
  EXPECT_EQ(body["properties"]["encryption"]["keyVaultProperties"]["keyIdentifier"], "k");
  EXPECT_EQ(body["identity"]["type"], "SystemAssigned");
}

TEST_F(AsIfApplied, OfARegistryThatIsNotKnownSaysWhichIsMeant) {
  EXPECT_THAT(Apply({"fabricam.azurecr.io: sku.name=Basic"}).error().ToString(), HasSubstr("did you mean \"fabrikam.azurecr.io\"?"));
  EXPECT_THAT(Apply({"Contoso: sku.name=Basic"}).error().ToString(), HasSubstr("did you mean \"contoso.azurecr.io\"?"));
  EXPECT_THAT(Apply({"something.else.example: sku.name=Basic"}).error().ToString(), HasSubstr("acr-admission registries"));
}

TEST_F(AsIfApplied, WithNoPlaceForTheMemberIsAnError) {
  EXPECT_THAT(Apply({"contoso.azurecr.io: encryption=on, encryption.status=enabled"}).error().ToString(),
              HasSubstr("no place for encryption.status"));
}

}  // namespace
}  // namespace scan
