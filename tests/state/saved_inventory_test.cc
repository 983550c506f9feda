#include "state/saved_inventory.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/support/fake_clock.h"

namespace state {
namespace {

using testing::HasSubstr;

const base::Time kNow = base::ParseTime("2026-11-23T12:00:00Z").value();

policy::Facts SomeFacts() {
  const base::Time observed = base::ParseTime("2026-11-23T11:59:31.5Z").value();
  policy::Facts facts;
  for (const char* name : {"contoso", "fabrikam"}) {
    auto one = std::make_shared<policy::RegistryFacts>();
    one->registry = {std::string(name) + ".azurecr.io", name, std::string("/subscriptions/0/registries/") + name, observed,
                     R"({"properties":{"loginServer":"\u00e9\"x"},"n":1})"};
    policy::Finding met;
    met.requirement = "private-link";
    met.rule = "sha256:1";
    met.last_compliant = observed - std::chrono::hours(1);
    policy::Finding never;
    never.requirement = "premium-sku";
    one->verdict = {met, never};
    facts.Add(std::move(one));
  }
  return facts;
}

TEST(SavedInventory, ComesBackWithItsTrueAgesAndItsMemoryOfCompliance) {
  const support::FakeClock clock;
  const std::string text = WriteSavedInventory(SomeFacts(), true, clock.Now());
  const auto saved = ReadSavedInventory(text, "saved", kNow);
  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  EXPECT_EQ(saved->facts.size(), 2u);
  const policy::RegistryFacts* contoso = saved->facts.Find("contoso.azurecr.io");
  ASSERT_NE(contoso, nullptr);
  EXPECT_EQ(contoso->registry.name, "contoso");
  EXPECT_EQ(contoso->registry.resource_id, "/subscriptions/0/registries/contoso");
  EXPECT_EQ(base::FormatTime(contoso->registry.observed), "2026-11-23T11:59:31.500000Z");
  EXPECT_EQ(nlohmann::json::parse(contoso->registry.body.Text()),
            nlohmann::json::parse(SomeFacts().Find("contoso.azurecr.io")->registry.body.Text()));
  ASSERT_EQ(contoso->verdict.size(), 1u);
  EXPECT_EQ(contoso->verdict[0].requirement, "private-link");
  EXPECT_EQ(contoso->verdict[0].rule, "sha256:1");
  EXPECT_EQ(base::FormatTime(contoso->verdict[0].last_compliant.value()), "2026-11-23T10:59:31.500000Z");
  // One registry a line, between the header and the checksum.
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
}

TEST(SavedInventory, KeepsTheListsOfChildrenThatWereRead) {
  policy::Facts facts;
  auto one = std::make_shared<policy::RegistryFacts>(*SomeFacts().Find("contoso.azurecr.io"));
  const base::Time observed = base::ParseTime("2026-11-23T11:50:00Z").value();
  one->registry.children = std::make_shared<const policy::ChildLists>(policy::ChildLists{
      {"tokens", {observed, R"([{"name":"ci","properties":{"status":"\u00e9"}}])", ""}},
      {"cacheRules", {observed, "[]", ""}},
      {"webhooks", {observed, "", "403"}},
      {"scopeMaps", {observed, "[\"" + std::string(std::size_t{2} << 20, 'x') + "\"]", ""}},
  });
  facts.Add(one);
  const std::string text = WriteSavedInventory(facts, true, kNow);
  EXPECT_LT(text.size(), std::size_t{64} << 10) << "a list without measure is read again";
  const auto saved = ReadSavedInventory(text, "saved", kNow);
  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  const policy::ChildLists& lists = *saved->facts.Find("contoso.azurecr.io")->registry.children;
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_EQ(lists.at("tokens").observed, observed);
  EXPECT_EQ(nlohmann::json::parse(lists.at("tokens").resources), nlohmann::json::parse(one->registry.children->at("tokens").resources));
  EXPECT_EQ(lists.at("cacheRules").resources, "[]");
  EXPECT_EQ(ReadSavedInventory(text, "saved", observed - std::chrono::hours(1))
                ->facts.Find("contoso.azurecr.io")
                ->registry.children->at("tokens")
                .observed,
            observed - std::chrono::hours(1))
      << "times later than the clock are not believed";
  EXPECT_EQ(
      ReadSavedInventory(WriteSavedInventory(SomeFacts(), true, kNow), "saved", kNow)->facts.Find("contoso.azurecr.io")->registry.children,
      nullptr);
}

TEST(SavedInventory, DoesNotBelieveAClockThatRanAhead) {
  const base::Time before = kNow - std::chrono::hours(24);
  const auto saved = ReadSavedInventory(WriteSavedInventory(SomeFacts(), true, kNow), "saved", before);
  ASSERT_TRUE(saved.has_value());
  EXPECT_EQ(saved->facts.Find("contoso.azurecr.io")->registry.observed, before);
  EXPECT_FALSE(saved->facts.Find("contoso.azurecr.io")->verdict[0].last_compliant.has_value());
}

TEST(SavedInventory, MayBeEmpty) {
  const auto saved = ReadSavedInventory(WriteSavedInventory({}, true, base::Time{}), "saved", kNow);
  ASSERT_TRUE(saved.has_value());
  EXPECT_EQ(saved->facts.size(), 0u);
}

TEST(SavedInventory, TellsWhetherItIsWhole) {
  EXPECT_TRUE(ReadSavedInventory(WriteSavedInventory(SomeFacts(), true, kNow), "saved", kNow)->complete);
  EXPECT_FALSE(ReadSavedInventory(WriteSavedInventory(SomeFacts(), false, kNow), "saved", kNow)->complete);
  std::string earlier = "{\"format\":\"acr-admission inventory\",\"version\":1,\"saved\":\"2026-11-23T12:00:00.000000Z\"}\n";
  earlier += "{\"checksum\":\"" + base::Sha256(earlier) + "\"}\n";
  EXPECT_TRUE(ReadSavedInventory(earlier, "saved", kNow)->complete);
}

TEST(SavedInventory, IsNeverTrustedWhenAnyByteIsLostOrChanged) {
  const std::string text = WriteSavedInventory(SomeFacts(), true, base::Time{});
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(ReadSavedInventory(text.substr(0, length), "saved", kNow).has_value()) << length;
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string altered = text;
    altered[at] = static_cast<char>(altered[at] ^ 1);
    EXPECT_FALSE(ReadSavedInventory(altered, "saved", kNow).has_value()) << at;
  }
  EXPECT_FALSE(ReadSavedInventory(text + "\n", "saved", kNow).has_value());
}

TEST(SavedInventory, NamesTheVersionItDoesNotKnow) {
  std::string text = "{\"format\":\"acr-admission inventory\",\"version\":2,\"saved\":\"2026-11-23T12:00:00.000000Z\"}\n";
  text += "{\"checksum\":\"" + base::Sha256(text) + "\"}\n";
  EXPECT_THAT(ReadSavedInventory(text, "saved", kNow).error().message, HasSubstr("version 2"));
}

policy::Facts ObservedAt(const std::vector<base::Time>& times) {
  policy::Facts facts;
  for (const base::Time time : times) {
    auto one = std::make_shared<policy::RegistryFacts>();
    one->registry.login_server = "r" + std::to_string(facts.size()) + ".azurecr.io";
    one->registry.observed = time;
    facts.Add(std::move(one));
  }
  return facts;
}

TEST(SavedInventory, IsAsOldAsItsRegistriesOnAverage) {
  const auto hour = std::chrono::hours(1);
  EXPECT_EQ(MeanObserved(ObservedAt({kNow, kNow - hour * 2, kNow - hour * 4})), kNow - hour * 2);
  EXPECT_EQ(MeanObserved({}), base::Time{});
  EXPECT_EQ(MeanObserved(ObservedAt(std::vector<base::Time>(100'000, kNow))), kNow) << "no sum overflows";
}

TEST(SavedInventory, TheBetterOfTwoIsWholeAndThenNewer) {
  const auto hour = std::chrono::hours(1);
  const SavedInventory old_whole{ObservedAt({kNow - hour, kNow - hour}), true};
  const SavedInventory new_whole{ObservedAt({kNow, kNow}), true};
  const SavedInventory new_part{ObservedAt({kNow}), false};
  const SavedInventory one_read{ObservedAt({kNow, kNow - hour * 10}), true};  // of the other nothing new could be read
  EXPECT_TRUE(IsBetter(new_whole, old_whole));
  EXPECT_FALSE(IsBetter(old_whole, new_whole));
  EXPECT_TRUE(IsBetter(old_whole, new_part));
  EXPECT_FALSE(IsBetter(new_part, old_whole));
  EXPECT_TRUE(IsBetter(old_whole, one_read));
  EXPECT_TRUE(IsBetter(old_whole, {{}, true}));
  EXPECT_FALSE(IsBetter(new_whole, new_whole));
}

}  // namespace
}  // namespace state
