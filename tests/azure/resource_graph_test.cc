#include "azure/resource_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/resource_id.h"

namespace azure {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kId =
    "/subscriptions/0000000A-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/Contoso";

json Page(std::size_t rows) {
  json data = json::array();
  for (std::size_t i = 0; i < rows; ++i) {
    data.push_back({{"id", kId + std::to_string(i)}, {"loginServer", "Contoso" + std::to_string(i) + ".azurecr.io"}});
  }
  return {{"totalRecords", rows}, {"count", rows}, {"resultTruncated", "false"}, {"facets", json::array()}, {"data", std::move(data)}};
}

json With(json page, const char* member, json value) {
  page[member] = std::move(value);
  return page;
}

std::string ErrorOf(const json& answer) {
  const auto page = ReadGraphPage(answer);
  return page ? "" : page.error();
}

TEST(ResourceGraphQuery, ProjectsTheIdAndOrdersByIt) {
  EXPECT_EQ(
      AllRegistriesQuery(),
      "resources | where type =~ 'microsoft.containerregistry/registries' | project id, loginServer = tostring(properties.loginServer) | "
      "order by id asc");
}

TEST(ResourceGraphQuery, NamesLoginServers) {
  EXPECT_EQ(RegistriesQuery({"contoso.azurecr.io", "fabrikam.azurecr.cn"}),
            "resources | where type =~ 'microsoft.containerregistry/registries' | where tostring(properties.loginServer) in~ "
            "('contoso.azurecr.io', 'fabrikam.azurecr.cn') | project id, loginServer = tostring(properties.loginServer) | order by id asc");
}

TEST(ResourceGraphQuery, LetsNothingButHostsIn) {
  for (const char* name : {"contoso.azurecr.io", "Contoso-exfrbuffaye7ceag.azurecr.io", "a"}) {
    EXPECT_TRUE(IsQuotable(name)) << name;
  }
  for (const std::string& name : {std::string(), std::string("a'b"), std::string("a\\"), std::string("a\") | union x"), std::string("a b"),
                                  std::string("a\nb"), std::string("a|b"), std::string("a:443"), std::string("a\0b", 3),
                                  std::string("\xc3\xa9"), std::string("\xff"), std::string(254, 'a')}) {
    EXPECT_FALSE(IsQuotable(name)) << name;
  }
}

TEST(ResourceGraphRequest, AsksForPagesOfObjects) {
  const std::vector<json> requests = GraphRequests("resources", Scope{});
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_EQ(requests[0].dump(), R"({"options":{"$top":1000,"resultFormat":"objectArray"},"query":"resources"})");
  EXPECT_EQ(NextGraphRequest(requests[0], "ey+A=").dump(),
            R"({"options":{"$skipToken":"ey+A=","$top":1000,"resultFormat":"objectArray"},"query":"resources"})");
}

TEST(ResourceGraphRequest, NamesTheScope) {
  const std::vector<json> requests = GraphRequests("resources", Scope{{"s1", "s2"}, {"m1"}});
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0]["subscriptions"], json({"s1", "s2"}));
  EXPECT_FALSE(requests[0].contains("managementGroups"));
  EXPECT_EQ(requests[1]["managementGroups"], json::array({"m1"}));
  EXPECT_FALSE(requests[1].contains("subscriptions"));
}

TEST(ResourceGraphRequest, NamesAtMostThreeHundredAtATime) {
  for (const auto& [members, sizes] :
       std::vector<std::pair<std::size_t, std::vector<std::size_t>>>{{300, {300}}, {301, {300, 1}}, {601, {300, 300, 1}}}) {
    const std::vector<std::string> names(members, "name");
    for (const char* member : {"subscriptions", "managementGroups"}) {
      const bool subscriptions = std::string(member) == "subscriptions";
      std::vector<std::size_t> found;
      for (const json& request : GraphRequests("resources", subscriptions ? Scope{names, {}} : Scope{{}, names})) {
        found.push_back(request.at(member).size());
      }
      EXPECT_EQ(found, sizes) << member;
    }
  }
}

TEST(ResourceGraphPage, HoldsWhatWasFound) {
  const auto page = ReadGraphPage(With(Page(2), "totalRecords", 7));
  ASSERT_TRUE(page) << page.error();
  EXPECT_EQ(page->total, 7U);
  EXPECT_EQ(page->skip_token, "");
  ASSERT_EQ(page->rows.size(), 2U);
  EXPECT_EQ(page->rows[1].resource_id, std::string(kId) + "1");
  EXPECT_EQ(page->rows[1].subscription, "0000000a-0000-0000-0000-000000000000");
  EXPECT_EQ(page->rows[1].login_server, "contoso1.azurecr.io");
}

TEST(ResourceGraphPage, LeadsToTheNextOne) {
  for (const char* truncated : {"true", "false"}) {
    const auto page = ReadGraphPage(With(With(Page(1), "$skipToken", "abc"), "resultTruncated", truncated));
    ASSERT_TRUE(page) << page.error();
    EXPECT_EQ(page->skip_token, "abc");
  }
}

TEST(ResourceGraphPage, MayBeEmpty) {
  const auto page = ReadGraphPage(Page(0));
  ASSERT_TRUE(page) << page.error();
  EXPECT_THAT(page->rows, IsEmpty());
}

TEST(ResourceGraphPage, KnowsARegistryThatHasNoLoginServerYet) {
  for (const json& row : {json{{"id", kId}}, json{{"id", kId}, {"loginServer", nullptr}}, json{{"id", kId}, {"loginServer", ""}}}) {
    const auto page = ReadGraphPage(With(Page(1), "data", json::array({row})));
    ASSERT_TRUE(page) << page.error();
    EXPECT_EQ(page->rows[0].login_server, "");
  }
}

TEST(ResourceGraphPage, IsRefusedWhenItIsTruncatedForGood) {
  for (const json& truncated : {json("true"), json("True"), json(true)}) {
    EXPECT_THAT(ErrorOf(With(Page(1), "resultTruncated", truncated)), HasSubstr("truncated")) << truncated;
  }
  EXPECT_EQ(ErrorOf(With(Page(1), "resultTruncated", false)), "");
}

TEST(ResourceGraphPage, IsRefusedWhenItsCountsDoNotAgree) {
  EXPECT_THAT(ErrorOf(With(Page(2), "count", 3)), HasSubstr("count 3, totalRecords 2 and 2 rows"));
  EXPECT_THAT(ErrorOf(With(Page(2), "totalRecords", 1)), HasSubstr("do not agree"));
}

TEST(ResourceGraphPage, IsRefusedWhenItIsOfAnotherShape) {
  for (const char* member : {"count", "totalRecords", "resultTruncated", "data"}) {
    json page = Page(1);
    page.erase(member);
    EXPECT_NE(ErrorOf(page), "") << member << " is missing";
    EXPECT_NE(ErrorOf(With(Page(1), member, nullptr)), "") << member;
    EXPECT_NE(ErrorOf(With(Page(1), member, "x")), "") << member;
    EXPECT_NE(ErrorOf(With(Page(1), member, -1)), "") << member;
  }
  EXPECT_NE(ErrorOf(With(Page(1), "data", {{"columns", json::array()}, {"rows", json::array()}})), "") << "the table format";
  EXPECT_THAT(ErrorOf(With(Page(0), "$skipToken", "abc")), HasSubstr("an empty page"));
}

TEST(ResourceGraphPage, NamesTheRowThatIsNoRegistry) {
  for (const json& row : {json(1), json::object(), json{{"id", 7}}, json{{"id", "/subscriptions/x"}}}) {
    json page = Page(2);
    page["data"][1] = row;
    EXPECT_THAT(ErrorOf(page), HasSubstr("data[1]: ")) << row;
  }
}

TEST(RegistryId, IsReadInAnyCaseAndWrittenAsAPath) {
  const auto id = ParseRegistryId(
      "/Subscriptions/0000000A-0000-0000-0000-000000000000/resourcegroups/My_rg.(1)-\xc3\xa9/providers/microsoft.containerregistry/"
      "Registries/"
      "ContosoACR1");
  ASSERT_TRUE(id);
  EXPECT_EQ(id->subscription, "0000000A-0000-0000-0000-000000000000");
  EXPECT_EQ(id->name, "ContosoACR1");
  EXPECT_EQ(id->Path(),
            "/subscriptions/0000000A-0000-0000-0000-000000000000/resourceGroups/My_rg.%281%29-%C3%A9/providers/Microsoft.ContainerRegistry/"
            "registries/ContosoACR1");
}

TEST(RegistryId, IsNothingElse) {
  const std::string subscription = "/subscriptions/00000000-0000-0000-0000-000000000000";
  const std::string provider = "/providers/Microsoft.ContainerRegistry/registries/";
  const std::string id = subscription + "/resourceGroups/rg" + provider + "contoso";
  ASSERT_TRUE(ParseRegistryId(id));
  for (const std::string& text : {std::string(),
                                  std::string("/"),
                                  id + "/",
                                  id + "/privateEndpointConnections",
                                  id + "?api-version=1",
                                  id + "#",
                                  id.substr(1),
                                  "x" + id,
                                  subscription + "/resourceGroups/rg" + provider,
                                  subscription + "/resourceGroups/rg" + provider + "a%2fb",
                                  subscription + "/resourceGroups/rg" + provider + "..",
                                  subscription + "/resourceGroups/.." + provider + "contoso",
                                  subscription + "/resourceGroups/." + provider + "contoso",
                                  subscription + "/resourceGroups/" + provider + "contoso",
                                  subscription + "/resourceGroups/a b" + provider + "contoso",
                                  subscription + "/resourceGroups/a?b" + provider + "contoso",
                                  subscription + "/resourceGroups/a%2f" + provider + "contoso",
                                  subscription + provider + "contoso",
                                  subscription + "/resourceGroups/rg/providers/Microsoft.Network/privateEndpoints/contoso",
                                  "/subscriptions/me/resourceGroups/rg" + provider + "contoso",
                                  subscription + "/resourceGroups/rg" + provider + std::string(51, 'a')}) {
    EXPECT_FALSE(ParseRegistryId(text)) << text;
  }
}

TEST(SubscriptionId, IsAGuid) {
  EXPECT_TRUE(IsSubscriptionId("0b8f12Ab-0000-4000-8000-00000000000c"));
  for (const char* text :
       {"", "0b8f12ab-0000-4000-8000-00000000000", "0b8f12ab-0000-4000-8000-00000000000g", "0b8f12ab00004000800000000000000c",
        "0b8f12ab-0000-4000-8000-00000000000c0", "{0b8f12ab-0000-4000-8000-00000000000c}"}) {
    EXPECT_FALSE(IsSubscriptionId(text)) << text;
  }
}

}  // namespace
}  // namespace azure
