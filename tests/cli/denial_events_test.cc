#include "cli/denial_events.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/cli/cluster_world.h"
#include "tests/support/temp_folder.h"

namespace cli {
namespace {

using nlohmann::ordered_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kMessage =
    "container \"cart\" image contoso.azurecr.io/shop/cart:1.0: registry contoso.azurecr.io does not meet private-link, observed 29 s "
    "ago; to mend: az acr private-endpoint-connection list\ncontainer \"log\": another\naudit uid 705ab4f5-6393-11e8-b7cc-42010a800002";

// The record that is the contract: docs/audit.md.
ordered_json Golden() {
  const auto text = base::ReadFile(ACR_TEST_DATA "/audit_record.json", 1 << 20);
  EXPECT_TRUE(text);
  ordered_json record = ordered_json::parse(text.value_or("{}"));
  record["message"] = kMessage;
  return record;
}

base::Time When(const char* text) { return base::ParseTime(text).value(); }

std::optional<kube::Event> EventOf(const ordered_json& record) { return DenialEventOf(record.dump(), When("2026-11-23T12:00:01Z")); }

TEST(DenialEventOf, TellsTheOwnerWhatThePersonReads) {
  const auto event = EventOf(Golden());
  ASSERT_TRUE(event);
  EXPECT_EQ(event->regarding.api_version, "apps/v1");
  EXPECT_EQ(event->regarding.kind, "ReplicaSet");
  EXPECT_EQ(event->regarding.namespace_name, "shop");
  EXPECT_EQ(event->regarding.name, "cart-7d9f");
  EXPECT_EQ(event->regarding.uid, "11112222");
  EXPECT_EQ(event->type, kube::Event::Type::kWarning);
  EXPECT_EQ(event->reason, "ImageDenied");
  EXPECT_EQ(event->action, "Deny");
  EXPECT_EQ(event->note,
            "container \"cart\" image contoso.azurecr.io/shop/cart:1.0: registry contoso.azurecr.io does not meet private-link, observed "
            "29 s ago; to mend: az acr private-endpoint-connection list; container \"log\": another; "
            "audit uid 705ab4f5-6393-11e8-b7cc-42010a800002");
}

TEST(DenialEventOf, IsTheSameWhileTheSameImagesFailForTheSameReasons) {
  const auto sameness = [](const ordered_json& record) { return EventOf(record).value_or(kube::Event{}).sameness; };
  const std::string first = sameness(Golden());
  EXPECT_NE(first, "");

  ordered_json later = Golden();
  later["uid"] = "another";
  later["message"] = "observed 45 s ago\naudit uid another";
  later["name"] = "cart-7d9f-x2";
  later["time"] = "2026-11-23T12:00:00.5Z";
  EXPECT_EQ(sameness(later), first);

  ordered_json warned = Golden();  // what is not denied for makes no difference
  warned["images"][0]["findings"][2]["requirement"] = "another";
  EXPECT_EQ(sameness(warned), first);

  ordered_json requirement = Golden();
  requirement["images"][0]["findings"][0]["requirement"] = "another";
  EXPECT_NE(sameness(requirement), first);
  ordered_json image = Golden();
  image["images"][0]["image"] = "contoso.azurecr.io/shop/cart:1.1";
  EXPECT_NE(sameness(image), first);
  ordered_json failure = Golden();
  failure["failure"] = "spec.containers: is no list";
  EXPECT_NE(sameness(failure), first);
}

TEST(DenialEventOf, WhatIsNoDenialOfSomethingOwnedTellsNothing) {
  const auto told = [](auto change) {
    ordered_json record = Golden();
    change(record);
    return EventOf(record).has_value();
  };
  EXPECT_TRUE(told([](ordered_json&) {}));
  EXPECT_FALSE(told([](ordered_json& record) { record["decision"] = "Warned"; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["decision"] = "Allowed"; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["dryRun"] = true; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["owner"] = nullptr; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["owner"]["name"] = nullptr; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["owner"]["kind"] = nullptr; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["namespace"] = nullptr; }));
  EXPECT_FALSE(told([](ordered_json& record) { record["time"] = "2026-11-23T11:49:00Z"; })) << "no news any more";
  EXPECT_FALSE(told([](ordered_json& record) { record["time"] = "yesterday"; }));
  EXPECT_FALSE(told([](ordered_json& record) {
    record["decision"] = "Allowed";
    record["message"] = R"("decision":"Denied")";
  }));
}

TEST(DenialEventOf, ARecordThatIsNotUnderstoodTellsNothing) {
  const std::string record = Golden().dump();
  for (std::size_t size = 0; size < record.size(); size += 7) {
    EXPECT_FALSE(DenialEventOf(record.substr(0, size), When("2026-11-23T12:00:01Z"))) << size;
  }
  EXPECT_FALSE(DenialEventOf("[" + record + "]", When("2026-11-23T12:00:01Z")));
}

// Of an older program, or cut: as much as there is.
TEST(DenialEventOf, WhatIsMissingIsLeftOut) {
  ordered_json record = Golden();
  record.erase("message");
  record["owner"].erase("apiVersion");
  record["owner"]["uid"] = nullptr;
  record.erase("images");
  const auto event = EventOf(record);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->regarding.api_version, "");
  EXPECT_EQ(event->regarding.uid, "");
  EXPECT_EQ(event->note, "denied by the policy for registries; audit uid 705ab4f5-6393-11e8-b7cc-42010a800002");
}

TEST(DenialEventOf, ALongNoteIsCutBeforeTheUid) {
  ordered_json record = Golden();
  record["message"] = std::string(5000, 'm') + "\naudit uid 705ab4f5-6393-11e8-b7cc-42010a800002";
  const auto event = EventOf(record);
  ASSERT_TRUE(event);
  EXPECT_LE(event->note.size(), kube::kMaxNoteBytes);
  EXPECT_THAT(event->note, HasSubstr("…; audit uid 705ab4f5-6393-11e8-b7cc-42010a800002"));
}

class DenialEventsTest : public ::testing::Test {
 protected:
  std::unique_ptr<audit::Store> OpenStore() {
    std::string notice;
    auto store = audit::Store::Open({.database = folder_ / "audit.db"}, world_.clock, &notice);
    EXPECT_TRUE(store) << store.error().ToString();
    return store ? *std::move(store) : nullptr;
  }
  DenialEvents Open(audit::Store& store) {
    return {store, world_.clock, [this](const kube::Event& event) { world_.cluster->TellOfOthers(event); }, world_.Log()};
  }
  void Deny(audit::Store& store, const std::string& namespace_name, const std::string& uid,
            const std::string& requirement = "private-link") {
    ordered_json record = Golden();
    record["time"] = base::FormatTime(world_.clock.Now());
    record["uid"] = uid;
    record["namespace"] = namespace_name;
    record["message"] = "registry contoso.azurecr.io does not meet private-link\naudit uid " + uid;
    record["images"][0]["findings"][0]["requirement"] = requirement;
    Commit(store, uid, record.dump());
  }
  void Commit(audit::Store& store, const std::string& uid, const std::string& text) {
    audit::Record record;
    record.time = world_.clock.Now();
    record.uid = uid;
    record.json = text;
    ASSERT_TRUE(store.Commit(std::vector{record}));
  }
  std::vector<nlohmann::json> EventsIn(const std::string& namespace_name) const {
    return world_.kubernetes.In("/apis/events.k8s.io/v1/namespaces/" + namespace_name + "/events");
  }

  support::TempFolder folder_;
  ClusterWorld world_;
};

TEST_F(DenialEventsTest, AReplicaSetThatIsRefusedAllTheTimeHasOneEvent) {
  world_.kubernetes.Put("/api/v1/namespaces/shop", nlohmann::json::object());
  const auto store = OpenStore();
  DenialEvents events = Open(*store);
  for (int i = 0; i < 100; ++i) {
    Deny(*store, "shop", "uid-" + std::to_string(i));
  }
  events.Run();
  world_.cluster->Flush();
  ASSERT_THAT(EventsIn("shop"), SizeIs(1));
  const nlohmann::json event = EventsIn("shop")[0];
  EXPECT_EQ(event["regarding"], nlohmann::json::parse(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","namespace":"shop","name":"cart-7d9f",
    "uid":"11112222"})"));
  EXPECT_EQ(event["type"], "Warning");
  EXPECT_THAT(event["note"].get<std::string>(), HasSubstr("audit uid uid-0"));
  EXPECT_EQ(event["series"]["count"], 100);
  Deny(*store, "shop", "uid-100", "customer-managed-key");
  events.Run();
  world_.cluster->Flush();
  EXPECT_THAT(EventsIn("shop"), SizeIs(2));
}

TEST_F(DenialEventsTest, GoesOnWhereTheLastRunEnded) {
  world_.kubernetes.Put("/api/v1/namespaces/shop", nlohmann::json::object());
  {
    const auto store = OpenStore();
    DenialEvents events = Open(*store);
    Deny(*store, "shop", "told");
    events.Run();
    events.Close();
    Deny(*store, "shop", "untold");
  }
  const auto store = OpenStore();
  DenialEvents events = Open(*store);
  events.Run();
  world_.cluster->Flush();
  ASSERT_THAT(EventsIn("shop"), SizeIs(1));
  EXPECT_EQ(EventsIn("shop")[0]["series"]["count"], 2) << "one each run";
}

TEST_F(DenialEventsTest, AfterACrashFewAreToldTwice) {
  const auto store = OpenStore();
  {
    DenialEvents events = Open(*store);
    Deny(*store, "shop", "1");
    world_.clock.Advance(DenialEvents::kSaveInterval);
    events.Run();  // saved
    Deny(*store, "shop", "2");
    world_.clock.Advance(DenialEvents::kSaveInterval - std::chrono::milliseconds(1));
    events.Run();  // and not
  }
  std::vector<std::string> notes;
  DenialEvents again(*store, world_.clock, [&](const kube::Event& event) { notes.push_back(event.note); }, world_.Log());
  again.Run();
  EXPECT_THAT(notes, ElementsAre(HasSubstr("audit uid 2")));
}

TEST_F(DenialEventsTest, ABacklogIsReadInParts) {
  const auto store = OpenStore();
  DenialEvents events = Open(*store);
  for (std::size_t i = 0; i < DenialEvents::kMaxRunRows; i += 2) {
    Commit(*store, "a", "{}");
    Commit(*store, "b", "no record at all");
  }
  Deny(*store, "shop", "behind");
  events.Run();
  EXPECT_EQ(world_.cluster->Gauges().events.size(), 3U);
  world_.cluster->Flush();
  EXPECT_THAT(EventsIn("shop"), IsEmpty());
  world_.kubernetes.Put("/api/v1/namespaces/shop", nlohmann::json::object());
  events.Run();
  world_.cluster->Flush();
  EXPECT_THAT(EventsIn("shop"), SizeIs(1));
  EXPECT_THAT(world_.log, IsEmpty());
}

TEST_F(DenialEventsTest, WithoutTheApiServerNothingWaits) {
  world_.kubernetes.Put("/api/v1/namespaces/shop", nlohmann::json::object());
  world_.client->SetUnreachable(true);
  const auto store = OpenStore();
  DenialEvents events = Open(*store);
  Deny(*store, "shop", "1");
  events.Run();
  EXPECT_THAT(world_.kubernetes.calls(), IsEmpty()) << "the audit thread asks nobody";
  world_.cluster->Flush();
  Deny(*store, "shop", "2");
  events.Run();
  world_.client->SetUnreachable(false);
  world_.clock.Advance(kube::kSeriesInterval);
  world_.cluster->Flush();
  ASSERT_THAT(EventsIn("shop"), SizeIs(1));
  EXPECT_EQ(EventsIn("shop")[0]["series"]["count"], 2);
}

TEST_F(DenialEventsTest, DenialsHoldUpNothingThatIsToldOfOurPod) {
  world_.kubernetes.Put("/api/v1/namespaces/shop", nlohmann::json::object());
  const auto store = OpenStore();
  DenialEvents events = Open(*store);
  for (std::size_t i = 0; i < kube::kMaxSeries + 10; ++i) {
    Deny(*store, "shop", "uid-" + std::to_string(i), "requirement-" + std::to_string(i));
  }
  events.Run();
  world_.cluster->Flush();
  EXPECT_THAT(EventsIn("shop"), SizeIs(kube::kWriteBurst));
  world_.cluster->Tell(kube::Event::Type::kWarning, "PolicyRefused", "Keep", "what is wrong");
  world_.cluster->Flush();
  EXPECT_THAT(EventsIn("acr"), SizeIs(1));
  const auto gauges = world_.cluster->Gauges();
  EXPECT_EQ(gauges.events[0].count, static_cast<std::uint64_t>(kube::kWriteBurst + 1));
  EXPECT_EQ(gauges.events[1].count, 10U) << "dropped";
}

// A store that fails to read.
class FailingStore final : public audit::Store {
 public:
  base::Result<void> Commit(std::span<const audit::Record>) override { return {}; }
  base::Result<std::vector<std::string>> ReadCommitted(std::int64_t*, std::size_t) override {
    if (failing) {
      return base::Fail(base::ErrorCode::kUnavailable, "disk I/O error");
    }
    return std::vector<std::string>();
  }
  base::Result<Rows> ReadRows(std::int64_t, std::size_t, std::size_t) override { return Rows{}; }
  base::Result<std::optional<audit::Link>> ReadLink(std::int64_t) override { return std::nullopt; }
  base::Result<std::int64_t> LoadCursor(const std::string&) override { return 0; }
  base::Result<void> SaveCursor(const std::string&, std::int64_t) override { return {}; }
  base::Result<void> Maintain() override { return {}; }
  std::optional<std::string> TakeNotice() override { return std::nullopt; }
  void AllowDeletions(std::int64_t) override {}
  std::optional<std::string> AgeDoubt() override { return std::nullopt; }
  Size Measure() const override { return {}; }

  bool failing = true;
};

TEST_F(DenialEventsTest, AStoreThatCannotBeReadIsLoggedOnce) {
  FailingStore store;
  DenialEvents events = Open(store);
  events.Run();
  events.Run();
  EXPECT_THAT(world_.log, ElementsAre(HasSubstr("denials are not told in Events: disk I/O error")));
  store.failing = false;
  events.Run();
  events.Run();
  EXPECT_THAT(world_.log, SizeIs(2));
  EXPECT_THAT(world_.log.back(), Not(HasSubstr("error")));
}

}  // namespace
}  // namespace cli
