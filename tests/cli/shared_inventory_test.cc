#include "cli/shared_inventory.h"

#include <algorithm>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/file.h"
#include "state/zstd.h"
#include "tests/cli/cluster_world.h"
#include "tests/support/kubernetes_status.h"

namespace cli {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* kPath = "/api/v1/namespaces/acr/secrets/shared";

class SharedInventoryTest : public ::testing::Test {
 protected:
  SharedInventoryTest() { Put(json::object()); }  // as the chart makes it

  void Put(const json& data) {
    json object = {{"apiVersion", "v1"},
                   {"kind", "Secret"},
                   {"type", "Opaque"},
                   {"metadata", {{"name", "shared"}, {"namespace", "acr"}, {"labels", {{"helm.sh/chart", "c"}}}}}};
    if (!data.empty()) {
      object["data"] = data;
    }
    world_.kubernetes.Put(kPath, object);
  }
  void PutInventory(const std::string& bytes) { Put({{"inventory.zst", base::EncodeBase64(bytes)}}); }

  static policy::Facts FactsAt(base::Time observed, const std::string& name = "contoso", const std::string& body = "{}") {
    policy::Facts facts;
    auto one = std::make_shared<policy::RegistryFacts>();
    one->registry = {name + ".azurecr.io", name, "/subscriptions/0/registries/" + name, observed, body};
    facts.Add(std::move(one));
    return facts;
  }
  state::State Knows(base::Time observed, const std::string& name = "contoso") const {
    state::State current;
    current.facts = FactsAt(observed, name);
    current.primed = true;
    return current;
  }
  static std::string Compressed(const std::string& text) { return state::CompressZstd(text, kMaxSharedBytes).value().value(); }
  SharedInventory Replica(std::uint64_t seed = 1) { return {*world_.cluster, "shared", world_.clock, world_.Log(), seed}; }
  // Which registry a replica that starts now would begin with.
  std::string Held() {
    const auto read = Replica().Read();
    return read ? read->facts.Sorted().at(0)->registry.name : "none";
  }
  std::size_t Count(const std::string& beginning) const {
    const auto calls = world_.kubernetes.calls();
    return static_cast<std::size_t>(
        std::count_if(calls.begin(), calls.end(), [&](const std::string& call) { return call.starts_with(beginning); }));
  }

  ClusterWorld world_;
};

TEST_F(SharedInventoryTest, WhatOneSharesAnotherBeginsWithAtItsTrueAge) {
  const base::Time observed = world_.clock.Now() - minutes(3);
  Replica().Share(Knows(observed));
  const auto read = Replica().Read();
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->complete);
  ASSERT_NE(read->facts.Find("contoso.azurecr.io"), nullptr);
  EXPECT_EQ(read->facts.Find("contoso.azurecr.io")->registry.observed, observed);
  EXPECT_EQ((*world_.kubernetes.Find(kPath))["metadata"]["labels"]["helm.sh/chart"], "c");
}

TEST_F(SharedInventoryTest, IsWrittenEveryTenMinutesOrSoAndNotTogether) {
  SharedInventory a = Replica(1);
  SharedInventory b = Replica(2);
  std::size_t before = 0;
  for (seconds passed{0}; passed < hours(4); passed += seconds(10)) {
    world_.clock.Advance(seconds(10));
    a.Share(Knows(world_.clock.Now()));
    b.Share(Knows(world_.clock.Now()));
    before = std::max(before, Count("get "));
  }
  const auto most = static_cast<std::size_t>(hours(4) / kShareInterval + 1);
  EXPECT_LE(Count("update "), most + 2) << "two replicas write hardly more than one";
  EXPECT_GE(Count("update "), most / 2);
  EXPECT_LE(Count("get "), 2 * most);
  EXPECT_THAT(world_.log, IsEmpty());
}

TEST_F(SharedInventoryTest, AnOlderNeverReplacesANewer) {
  Replica().Share(Knows(world_.clock.Now(), "new"));
  Replica().Share(Knows(world_.clock.Now() - hours(1), "old"));
  Replica().ShareNow(Knows(world_.clock.Now() - hours(1), "old"));
  EXPECT_EQ(Held(), "new");
  Replica().Share(Knows(world_.clock.Now() + kLeastGain, "newer"));
  EXPECT_EQ(Held(), "newer");
}

TEST_F(SharedInventoryTest, NeitherAPartNorNothingReplacesAnything) {
  SharedInventory replica = Replica();
  state::State part = Knows(world_.clock.Now(), "part");
  part.primed = false;
  replica.Share(part);
  replica.ShareNow(part);
  state::State nothing;
  nothing.primed = true;
  replica.Share(nothing);
  replica.ShareNow(nothing);
  EXPECT_THAT(world_.kubernetes.calls(), IsEmpty());
  replica.Share(Knows(world_.clock.Now(), "whole"));
  EXPECT_EQ(Held(), "whole") << "and is written as soon as it is whole";
}

TEST_F(SharedInventoryTest, AtTheEndLessIsEnough) {
  Replica().Share(Knows(world_.clock.Now(), "first"));
  SharedInventory replica = Replica();
  world_.clock.Advance(kLeastGainAtEnd);
  replica.Share(Knows(world_.clock.Now(), "second"));
  EXPECT_EQ(Held(), "first");
  replica.ShareNow(Knows(world_.clock.Now(), "second"));
  EXPECT_EQ(Held(), "second");
}

TEST_F(SharedInventoryTest, OfTwoThatWriteTheSecondLeavesItAtThat) {
  world_.kubernetes.Fail([](const support::KubernetesCall& call) { return call.verb == "update"; },
                         support::Status(409, "Conflict", "the object has been modified"));
  SharedInventory replica = Replica();
  replica.Share(Knows(world_.clock.Now()));
  world_.clock.Advance(kShareRetry);
  replica.Share(Knows(world_.clock.Now()));
  EXPECT_EQ(Count("update "), 1U);
  EXPECT_EQ(world_.Failures("inventory"), 0U);
  EXPECT_THAT(world_.log, IsEmpty());
}

TEST_F(SharedInventoryTest, IsMadeAgainWhenItWasDeleted) {
  world_.kubernetes.Remove(kPath);
  EXPECT_EQ(Held(), "none");
  EXPECT_THAT(world_.log, IsEmpty());
  Replica().Share(Knows(world_.clock.Now()));
  EXPECT_EQ(Held(), "contoso");
  EXPECT_EQ((*world_.kubernetes.Find(kPath))["metadata"]["labels"], Cluster::Labels());
}

TEST_F(SharedInventoryTest, WhatFailsIsSaidOnceAndTriedAgain) {
  world_.kubernetes.Forbid("update", "secrets");
  SharedInventory replica = Replica();
  for (int i = 0; i < 3; ++i) {
    replica.Share(Knows(world_.clock.Now()));
    world_.clock.Advance(kShareRetry);
  }
  EXPECT_THAT(world_.log, SizeIs(1));
  EXPECT_THAT(world_.log[0], AllOf(HasSubstr("cannot be shared"), HasSubstr("secrets")));
  EXPECT_EQ(world_.Failures("inventory"), 3U);
  world_.client->SetUnreachable(true);
  replica.Share(Knows(world_.clock.Now()));
  EXPECT_FALSE(replica.Read());
  world_.client->SetUnreachable(false);
  world_.kubernetes.Allow("update", "secrets");
  world_.clock.Advance(kShareRetry);
  replica.Share(Knows(world_.clock.Now()));
  EXPECT_EQ(Held(), "contoso");
}

TEST_F(SharedInventoryTest, OneThatIsTooLargeIsNotWrittenAndSaidOnce) {
  std::mt19937_64 random(1);
  std::string body = "{\"x\":\"";
  while (body.size() < 2 * kMaxSharedBytes) {
    body += static_cast<char>('a' + static_cast<int>(random() % 26));
  }
  SharedInventory replica = Replica();
  replica.Share(Knows(world_.clock.Now(), "small"));
  for (int i = 0; i < 3; ++i) {
    world_.clock.Advance(kShareInterval + kShareJitter);
    state::State large;
    large.primed = true;
    large.facts = FactsAt(world_.clock.Now(), "large", body + "\"}");
    replica.Share(large);
  }
  EXPECT_EQ(Held(), "small");
  EXPECT_EQ(world_.Failures("inventory_size"), 3U);
  EXPECT_THAT(world_.log, Contains(HasSubstr("too large to be shared")).Times(1));
}

TEST_F(SharedInventoryTest, NothingIsWrittenThatWouldNotBeRead) {
  state::State large;
  large.primed = true;
  large.facts = FactsAt(world_.clock.Now(), "large", "{\"x\":\"" + std::string(std::size_t{64} << 20, 'x') + "\"}");
  SharedInventory replica = Replica();
  replica.Share(large);
  EXPECT_EQ(Held(), "none");
  EXPECT_EQ(world_.Failures("inventory_size"), 1U);
}

TEST_F(SharedInventoryTest, GarbageIsNotUsedAndIsReplaced) {
  const std::string good = state::WriteSavedInventory(FactsAt(world_.clock.Now() - hours(1)), true, world_.clock.Now());
  std::string altered = good;
  altered[altered.find("contoso")] = 'k';
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"garbage", "no Zstandard frame"},
      {Compressed("garbage"), "checksum"},
      {Compressed(altered), "checksum"},
      {Compressed(std::string((std::size_t{64} << 20) + 1, ' ')), "more than 67108864"},
  };
  for (const auto& [bytes, why] : cases) {
    world_.log.clear();
    PutInventory(bytes);
    EXPECT_EQ(Held(), "none");
    EXPECT_THAT(world_.log, Contains(AllOf(HasSubstr("Secret acr/shared"), HasSubstr(why))));
    Replica().Share(Knows(world_.clock.Now() - hours(2)));
    EXPECT_EQ(Held(), "contoso");
  }
}

TEST_F(SharedInventoryTest, ASummaryThatIsNotOfWhatIsHeldCountsForNothing) {
  Replica().Share(Knows(world_.clock.Now(), "new"));
  json data = (*world_.kubernetes.Find(kPath))["data"];
  for (const char* summary : {"[]", "{", R"({"observed":1})", R"({"observed":"2026-11-23T12:00:00Z","sha256":"sha256:0"})"}) {
    data["inventory.json"] = base::EncodeBase64(summary);
    Put(data);
    Replica().Share(Knows(world_.clock.Now() - hours(1), "old"));
    EXPECT_EQ(Held(), "old") << summary;
  }
}

TEST_F(SharedInventoryTest, AClockThatRanAheadDoesNotKeepTheOthersOut) {
  Replica().Share(Knows(world_.clock.Now() + hours(24), "future"));
  Replica().Share(Knows(world_.clock.Now(), "now"));
  EXPECT_EQ(Held(), "now");
}

TEST_F(SharedInventoryTest, WhatWasReadIsNotReadAgain) {
  Replica().Share(Knows(world_.clock.Now(), "one"));
  SharedInventory replica = Replica();
  EXPECT_TRUE(replica.Read());
  EXPECT_FALSE(replica.Read());
  Replica().Share(Knows(world_.clock.Now() + kLeastGain, "two"));
  EXPECT_TRUE(replica.Read());
}

}  // namespace
}  // namespace cli
