#include "azure/read_all.h"

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/azure/fake_reader.h"
#include "tests/support/fake_clock.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class ReadAllTest : public ::testing::Test {
 protected:
  Everything Read(Scope scope = {}) {
    return ReadAll(
        {{"workload identity", std::move(scope), &reader_, states_}}, children_,
        [this](milliseconds time) {
          waits_.push_back(time);
          return go_on_;
        },
        [this](const ReadProgress& progress) { progress_.push_back(progress); });
  }

  support::FakeClock clock_;
  FakeReader reader_{clock_};
  std::set<std::string> children_;  // kinds
  StatesReader states_;             // null: they are not read
  bool go_on_ = true;
  std::vector<milliseconds> waits_;  // by one thread: there is at most one subscription where something fails
  std::vector<ReadProgress> progress_;
};

std::vector<std::string> Names(const Everything& everything) {
  std::vector<std::string> names;
  for (const policy::Registry& registry : everything.registries) {
    names.push_back(registry.name);
  }
  return names;
}

TEST_F(ReadAllTest, ReadsEverySubscriptionThatIsDiscovered) {
  reader_.Put("fabrikam", kTwo);
  reader_.Put("contoso", kOne);
  const Everything everything = Read();
  EXPECT_THAT(Names(everything), ElementsAre("contoso", "fabrikam"));
  EXPECT_THAT(everything.problems, IsEmpty());
  EXPECT_EQ(everything.subscriptions, 2u);
  ASSERT_THAT(progress_, SizeIs(3));
  EXPECT_EQ(progress_.front().read, 0u);
  EXPECT_EQ(progress_.back().read, 2u);
  EXPECT_EQ(progress_.back().subscriptions, 2u);
  EXPECT_EQ(progress_.back().registries, 2u);
}

TEST_F(ReadAllTest, ReadsNamedSubscriptionsWithoutDiscovery) {
  reader_.Put("contoso", kOne);
  EXPECT_THAT(Names(Read({{kOne}, {}})), ElementsAre("contoso"));
  EXPECT_THAT(reader_.calls(), ElementsAre("list 1"));
}

TEST_F(ReadAllTest, TriesAgainWhatMayWorkThenSaysWhatFailed) {
  reader_.Fail(ErrorOf(ArmError::Kind::kUnavailable, 503));
  const Everything everything = Read({{kOne}, {}});
  EXPECT_THAT(reader_.calls(), ElementsAre("list 1", "list 1", "list 1"));
  EXPECT_THAT(waits_, SizeIs(2));
  EXPECT_THAT(everything.problems,
              ElementsAre(AllOf(HasSubstr("workload identity, subscription " + kOne), HasSubstr("Azure answered 503"))));
}

TEST_F(ReadAllTest, DoesNotTryAgainWhatIsRefused) {
  reader_.Fail(ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"));
  EXPECT_THAT(Read().problems, ElementsAre(HasSubstr("discovery of subscriptions: Azure answered 403 AuthorizationFailed")));
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(ReadAllTest, WaitsAsLongAsAzureAsksButNotLongerThanAPersonWould) {
  ArmError error = ErrorOf(ArmError::Kind::kThrottled, 429);
  error.retry_after = seconds(15);
  reader_.Fail(error);
  Read({{kOne}, {}});
  EXPECT_THAT(waits_, AllOf(SizeIs(2), Each(seconds(15))));
  error.retry_after = seconds(60);
  reader_.Fail(error);
  waits_.clear();
  EXPECT_THAT(Read({{kOne}, {}}).problems, SizeIs(1));
  EXPECT_THAT(waits_, IsEmpty());
}

TEST_F(ReadAllTest, ReadsStatesOfWhatWasListed) {
  reader_.Put("contoso", kOne);
  reader_.Put("fabrikam", kTwo);
  states_ = [this](const std::string& subscription, milliseconds) -> ArmResult<policy::SubscriptionStates> {
    if (subscription == kTwo) {
      return tl::unexpected(ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"));
    }
    return policy::SubscriptionStates{subscription, clock_.Now(), {}};
  };
  const Everything everything = Read();
  EXPECT_THAT(Names(everything), ElementsAre("contoso", "fabrikam"));
  ASSERT_THAT(everything.states, SizeIs(1));
  EXPECT_EQ(everything.states[0].subscription, kOne);
  EXPECT_THAT(everything.problems, ElementsAre(HasSubstr("Azure Policy's states of subscription " + kTwo + ": Azure answered 403")));
  reader_.Fail(ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"));
  EXPECT_THAT(Read({{kOne}, {}}).states, IsEmpty());
}

TEST_F(ReadAllTest, ReadsTheChildrenThatAreNeededOfEachRegistry) {
  reader_.Put("contoso", kOne);
  reader_.Put("fabrikam", kOne);
  EXPECT_EQ(Read().registries.at(0).children, nullptr);
  children_ = {"tokens", "webhooks"};
  const Everything everything = Read({{kOne}, {}});
  EXPECT_THAT(everything.problems, IsEmpty());
  ASSERT_THAT(everything.registries, SizeIs(2));
  for (const policy::Registry& registry : everything.registries) {
    ASSERT_NE(registry.children, nullptr);
    ASSERT_THAT(*registry.children, SizeIs(2));
    EXPECT_EQ(registry.children->at("webhooks").resources, "[]");
  }
  EXPECT_EQ(progress_.back().children, 4u);
  const auto calls = reader_.calls();
  EXPECT_THAT(std::vector(calls.begin() + 2, calls.end()),
              ElementsAre("list 1", "tokens of contoso", "webhooks of contoso", "tokens of fabrikam", "webhooks of fabrikam"));
}

TEST_F(ReadAllTest, ChildrenThatCannotBeReadLeaveTheRegistryAndAreToldOf) {
  children_ = {"tokens"};
  reader_.Put("contoso", kOne);
  reader_.FailChildren(ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"));
  const Everything everything = Read({{kOne}, {}});
  ASSERT_THAT(Names(everything), ElementsAre("contoso"));
  EXPECT_THAT(everything.registries[0].children->at("tokens").problem, HasSubstr("403 AuthorizationFailed"));
  EXPECT_THAT(everything.problems, ElementsAre(HasSubstr("workload identity, the tokens of contoso.azurecr.io: Azure answered 403")));
  EXPECT_THAT(waits_, IsEmpty());
  reader_.FailChildren(ErrorOf(ArmError::Kind::kUnavailable, 503));
  EXPECT_THAT(Read({{kOne}, {}}).problems, SizeIs(1));
  EXPECT_THAT(waits_, SizeIs(2));
}

TEST_F(ReadAllTest, DoesNotTryTheChildrenOfEveryRegistryWhereNoneCanBeRead) {
  children_ = {"tokens"};
  for (int i = 0; i < 100; ++i) {
    reader_.Put("registry" + std::to_string(i), kOne);
  }
  reader_.FailChildren(ErrorOf(ArmError::Kind::kUnavailable, 503));
  const Everything everything = Read({{kOne}, {}});
  EXPECT_THAT(everything.registries, SizeIs(100));
  EXPECT_THAT(everything.problems, SizeIs(100));
  EXPECT_THAT(everything.registries.back().children->at("tokens").problem, HasSubstr("not asked for"));
  EXPECT_THAT(reader_.calls(), SizeIs(1 + kMaxChildFailuresInARow * 3));
}

TEST_F(ReadAllTest, IsCutShort) {
  go_on_ = false;
  reader_.Fail(ErrorOf(ArmError::Kind::kUnavailable, 503));
  EXPECT_THAT(Read({{kOne}, {}}).problems, SizeIs(1));
  EXPECT_THAT(reader_.calls(), SizeIs(1));
}

}  // namespace
}  // namespace azure
