#include "azure/child_reader.h"

#include <map>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/registry_reader.h"
#include "base/text.h"
#include "tests/azure/arm_world.h"

namespace azure {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Kind = ArmError::Kind;

const std::string kRegistry =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/contoso";

json Token(const std::string& name, const std::string& status = "enabled") {
  return {{"id", kRegistry + "/tokens/" + name},
          {"name", name},
          {"type", "Microsoft.ContainerRegistry/registries/tokens"},
          {"properties", {{"status", status}}}};
}

http::Response Page(json::array_t children, const std::string& next = {}) {
  json page = {{"value", std::move(children)}};
  if (!next.empty()) {
    page["nextLink"] = next;
  }
  return support::JsonResponse(200, page.dump());
}

// A reader whose pauses move the clock. An answer takes 100 ms.
class ChildWorld : public ArmWorld {
 public:
  explicit ChildWorld(support::ScriptedHttp::Answer answer, std::string api_version = std::string(kRegistryApiVersion))
      : ArmWorld([this, answer = std::move(answer)](const http::Request& request) {
          clock.Advance(milliseconds(100));
          return answer(request);
        }),
        reader(MakeRegistryReader(arm, clock, std::move(api_version), [this](milliseconds time) { clock.Advance(time); })) {}
  explicit ChildWorld(const http::Response& response) : ChildWorld([response](const http::Request&) { return response; }) {}

  ArmResult<policy::ChildList> List(const std::string& kind = "tokens") { return reader->ListChildren(kRegistry, kind, kDeadline); }

  std::unique_ptr<RegistryReader> reader;
};

TEST(ChildReader, KeepsTheBodiesAsTheyCameOnOneLine) {
  ChildWorld world(Page({Token("ci"), Token("two\nlines", "disabled")}));
  const base::Time asked = world.clock.Now();
  const auto list = world.List();
  ASSERT_TRUE(list) << list.error().ToString();
  EXPECT_EQ(json::parse(list->resources), json({Token("ci"), Token("two\nlines", "disabled")}));
  EXPECT_THAT(list->resources, Not(HasSubstr("\n")));
  EXPECT_EQ(list->observed, asked) << "when it was asked, not when it was answered";
  EXPECT_EQ(list->problem, "");
  EXPECT_THAT(world.Sent(), ElementsAre("GET " + kRegistry + "/tokens?api-version=2025-11-01"));
}

TEST(ChildReader, HavingNoneIsAnAnswer) {
  ChildWorld world(Page({}));
  EXPECT_EQ(world.List()->resources, "[]");
}

TEST(ChildReader, ReadsEveryPageAndIsAsOldAsTheFirst) {
  ChildWorld world([](const http::Request& request) {
    return request.url.find("skip=") != std::string::npos
               ? Page({Token("b")})
               : Page({Token("a")}, std::string(kArmOrigin) + kRegistry + "/tokens?api-version=2025-11-01&skip=1");
  });
  const base::Time asked = world.clock.Now();
  const auto list = world.List();
  ASSERT_TRUE(list) << list.error().ToString();
  EXPECT_EQ(json::parse(list->resources), json({Token("a"), Token("b")}));
  EXPECT_EQ(list->observed, asked);
}

TEST(ChildReader, APageThatFailsFailsTheListAndIsNoGoneRegistry) {
  ChildWorld world([](const http::Request& request) {
    return request.url.find("skip=") != std::string::npos
               ? ArmFailure(404, "ResourceNotFound")
               : Page({Token("a")}, std::string(kArmOrigin) + kRegistry + "/tokens?api-version=2025-11-01&skip=1");
  });
  EXPECT_EQ(world.List().error().kind, Kind::kUnavailable);
}

TEST(ChildReader, ARegistryThatIsGoneIsNotFound) {
  ChildWorld world(ArmFailure(404, "ResourceNotFound"));
  EXPECT_EQ(world.List().error().kind, Kind::kNotFound);
}

TEST(ChildReader, SaysWhichPermissionIsMissing) {
  ChildWorld world(ArmFailure(403, "AuthorizationFailed"));
  const auto list = world.List();
  EXPECT_EQ(list.error().kind, Kind::kForbidden);
  EXPECT_THAT(list.error().ToString(),
              AllOf(HasSubstr("Microsoft.ContainerRegistry/registries/tokens/read"), HasSubstr("workload identity 0b8f of tenant 72f9")));
}

TEST(ChildReader, SaysWhenTheApiVersionMayLackTheKind) {
  for (const auto& failure : {ArmFailure(404, "InvalidResourceType"), ArmFailure(400, "NoRegisteredProviderFound")}) {
    ChildWorld world([&](const http::Request&) { return failure; }, "2021-09-01");
    const auto list = world.List("cacheRules");
    EXPECT_EQ(list.error().kind, Kind::kRejected);
    EXPECT_THAT(list.error().ToString(),
                AllOf(HasSubstr("api-version 2021-09-01"), HasSubstr("cacheRules"), HasSubstr("inventory.apiVersion")));
    EXPECT_THAT(world.Sent(), ElementsAre("GET " + kRegistry + "/cacheRules?api-version=2021-09-01"));
  }
}

TEST(ChildReader, TakesOnlyChildrenOfThatRegistryAndKind) {
  const json elsewhere = {{"id", kRegistry + "2/tokens/ci"}};
  const json other_kind = {{"id", kRegistry + "/scopeMaps/ci"}};
  const json itself = {{"id", kRegistry}};
  const json nameless = {{"id", kRegistry + "/tokens/"}};
  const json deeper = {{"id", kRegistry + "/tokens/ci/passwords/1"}};
  const json number = {{"id", 1}};
  for (const json& wrong : {elsewhere, other_kind, itself, nameless, deeper, number, json::object(), json("text"), json(nullptr)}) {
    ChildWorld world(Page({Token("ci"), wrong}));
    const auto list = world.List();
    ASSERT_FALSE(list) << wrong;
    EXPECT_EQ(list.error().kind, Kind::kUnavailable) << wrong;
    EXPECT_THAT(list.error().message, HasSubstr("$.value[1]")) << wrong;
  }
}

TEST(ChildReader, ComparesIdsWithoutRegardToCase) {
  json token = Token("ci");
  token["id"] = base::AsciiLower(kRegistry) + "/TOKENS/CI";
  ChildWorld world(Page({token}));
  EXPECT_TRUE(world.List());
}

TEST(ChildReader, RefusesWhatIsNoList) {
  for (const json& answer : {json::object(), json({{"value", "text"}}), json({{"value", json::array()}, {"nextLink", 1}})}) {
    ChildWorld world(support::JsonResponse(200, answer.dump()));
    EXPECT_EQ(world.List().error().kind, Kind::kUnavailable) << answer;
  }
}

TEST(ChildReader, AChildOnTwoPagesMayHideAnother) {
  ChildWorld world([](const http::Request& request) {
    const bool second = request.url.find("skip=") != std::string::npos;
    return Page({Token("a")}, second ? "" : std::string(kArmOrigin) + kRegistry + "/tokens?api-version=2025-11-01&skip=1");
  });
  EXPECT_THAT(world.List().error().message, HasSubstr("twice"));
}

// Pages of `size` tokens without end; `name` makes the n-th one's name.
support::ScriptedHttp::Answer Endless(int size, const std::string& padding) {
  return [size, padding, next = 0](const http::Request&) mutable {
    json::array_t page;
    for (int i = 0; i < size; ++i) {
      page.push_back(Token(std::to_string(next++) + padding));
    }
    return Page(std::move(page), std::string(kArmOrigin) + kRegistry + "/tokens?api-version=2025-11-01&skip=" + std::to_string(next));
  };
}

TEST(ChildReader, AListThatIsTooLongIsAProblemAndNeverCut) {
  ChildWorld many(Endless(1000, ""));
  EXPECT_THAT(many.List().error().ToString(), HasSubstr("more than 10000"));
  EXPECT_THAT(many.Sent(), SizeIs(11));
  ChildWorld large(Endless(100, std::string(10'000, 'x')));
  EXPECT_THAT(large.List().error().ToString(), HasSubstr("8 MiB"));
  EXPECT_LE(large.Sent().size(), 5u);
  ChildWorld endless(Endless(0, ""));
  EXPECT_THAT(endless.List().error().message, HasSubstr("more than 200 pages"));
}

TEST(ChildReader, AsksForNothingElse) {
  ChildWorld world(Page({}));
  for (const char* const kind : {"", "passwords", "privateEndpointConnections", "tokens/../..", "tokens?x=1", "listCredentials"}) {
    EXPECT_EQ(world.List(kind).error().kind, Kind::kRejected) << kind;
  }
  EXPECT_EQ(world.reader->ListChildren("/subscriptions/x", "tokens", kDeadline).error().kind, Kind::kRejected);
  EXPECT_THAT(world.Sent(), IsEmpty());
}

TEST(ChildReader, SendsTokensNowhereButToResourceManager) {
  ChildWorld world(Page({Token("ci")}, "https://evil.example/next"));
  EXPECT_FALSE(world.List());
  EXPECT_THAT(world.Sent(), SizeIs(1));
}

}  // namespace
}  // namespace azure
