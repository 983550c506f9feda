#include "azure/live_inventory.h"

#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "azure/live_threads.h"
#include "tests/azure/fake_reader.h"
#include "tests/support/fake_clock.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// A live inventory whose facts are kept by the test. Nothing moves but by calls of the test's.
class LiveInventoryTest : public ::testing::Test {
 protected:
  LiveInventory& Start(Scope scope = {}) {
    sources_.push_back({"workload identity", std::move(scope), &reader_, states_});
    LiveInventory::Options options;
    options.registry_suffixes = {"azurecr.io"};
    inventory_ = std::make_unique<LiveInventory>(options, sources_, Hooks(), clock_);
    Merge();
    return *inventory_;
  }

  // Azure Policy's states are to be read, and say nothing. `meanwhile` happens while they are.
  void ReadStates(std::function<void()> meanwhile = [] {}) {
    states_ = [this, meanwhile = std::move(meanwhile)](const std::string& subscription,
                                                       milliseconds) -> ArmResult<policy::SubscriptionStates> {
      ++states_read_;
      meanwhile();
      if (states_failure_) {
        return tl::unexpected(*states_failure_);
      }
      return policy::SubscriptionStates{subscription, clock_.Now(), {}};
    };
  }

  LiveInventory::Hooks Hooks() {
    return {
        [this](policy::Observations learned, std::function<void()> merged) { offers_.emplace_back(std::move(learned), std::move(merged)); },
        [this] { return facts_; }, [this](base::LogLevel, std::string_view message) { logged_.emplace_back(message); },
        [this] { return needed_; }};
  }

  // What the owner of the facts does.
  void Merge() {
    while (!offers_.empty()) {
      auto [learned, merged] = std::move(offers_.front());
      offers_.pop_front();
      auto facts = std::make_shared<policy::Facts>(*facts_);
      for (policy::Registry& registry : learned.present) {
        facts->Add(std::make_shared<policy::RegistryFacts>(policy::RegistryFacts{std::move(registry), {}}));
      }
      for (const policy::GoneRegistry& gone : learned.gone) {
        facts->Remove(gone.login_server);
      }
      children_.insert(children_.end(), learned.children.begin(), learned.children.end());
      complete_ = complete_ || learned.complete;
      facts_ = std::move(facts);
      if (merged) {
        merged();
      }
    }
  }

  void RefreshAll() {
    while (inventory_->RefreshOnce()) {
      Merge();
    }
  }
  void RefreshFor(std::chrono::seconds time) {
    const auto end = clock_.Monotonic() + time;
    while (clock_.Monotonic() < end) {
      RefreshAll();
      clock_.Advance(milliseconds(500));
    }
  }
  void ReadChildrenFor(std::chrono::seconds time) {
    const auto end = clock_.Monotonic() + time;
    while (clock_.Monotonic() < end) {
      RefreshAll();
      while (inventory_->ReadChildrenOnce()) {
        Merge();
      }
      clock_.Advance(milliseconds(100));
    }
  }
  std::vector<std::string> CallsFrom(std::size_t begin) const {
    const std::vector<std::string> calls = reader_.calls();
    return {calls.begin() + static_cast<std::ptrdiff_t>(begin), calls.end()};
  }
  void ConfirmAll() {
    while (inventory_->ConfirmOnce()) {
      Merge();
    }
  }
  // Number of calls of `done` so far, by what was asked.
  void Freshen(const std::vector<std::string>& login_servers) {
    inventory_->Freshen(login_servers, clock_.Monotonic() + seconds(1), [this] { ++done_; });
  }
  std::vector<std::string> Known() const {
    std::vector<std::string> names;
    for (const auto& facts : facts_->Sorted()) {
      names.push_back(facts->registry.name);
    }
    return names;
  }
  base::Time Observed(const std::string& name) const { return facts_->Find(name + ".azurecr.io")->registry.observed; }

  support::FakeClock clock_;
  FakeReader reader_{clock_};
  std::shared_ptr<const policy::Facts> facts_ = std::make_shared<policy::Facts>();
  StatesReader states_;  // null: they are not read
  int states_read_ = 0;
  std::optional<ArmError> states_failure_;
  std::set<std::string> needed_;                    // kinds of children
  std::vector<policy::ObservedChildren> children_;  // that were offered apart from their registry
  std::vector<LiveInventory::Source> sources_;
  std::deque<std::pair<policy::Observations, std::function<void()>>> offers_;
  std::vector<std::string> logged_;
  bool complete_ = false;
  int done_ = 0;
  std::unique_ptr<LiveInventory> inventory_;
};

TEST_F(LiveInventoryTest, DiscoversAndListsAndIsCompleteAfterTheLastList) {
  reader_.Put("contoso", kOne);
  reader_.Put("fabrikam", kTwo);
  Start();
  EXPECT_TRUE(inventory_->RefreshOnce());
  EXPECT_TRUE(inventory_->RefreshOnce());
  Merge();
  EXPECT_FALSE(complete_);
  RefreshAll();
  EXPECT_TRUE(complete_);
  EXPECT_THAT(Known(), ElementsAre("contoso", "fabrikam"));
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "list 1", "list 2"));
  const LiveInventory::Status status = inventory_->status();
  EXPECT_EQ(status.subscriptions, 2u);
  EXPECT_EQ(status.problem, std::nullopt);
  EXPECT_EQ((status.reads.at({"list", "ok"})), 2u);
}

TEST_F(LiveInventoryTest, ARegistryThatIsDeletedIsUnknownAfterTheNextList) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  reader_.Delete("contoso");
  RefreshFor(minutes(2));
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(LiveInventoryTest, AnOutageKeepsFactsAtTheirTrueAgeAndIsLoggedSeldom) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  const base::Time observed = Observed("contoso");
  reader_.Fail(ErrorOf(ArmError::Kind::kUnavailable, 503));
  RefreshFor(std::chrono::hours(1));
  EXPECT_EQ(Observed("contoso"), observed);
  EXPECT_THAT(inventory_->status().problem.value_or(""), HasSubstr("Azure answered 503"));
  EXPECT_LE(logged_.size(), 13u);
  EXPECT_THAT(reader_.calls(), SizeIs(::testing::Le(60u))) << "it backs off";
  reader_.Fail(std::nullopt);
  RefreshFor(minutes(15));
  EXPECT_GT(Observed("contoso"), observed);
  EXPECT_THAT(logged_.back(), HasSubstr("without errors"));
}

TEST_F(LiveInventoryTest, AFreshAnswerIsInTheFactsBeforeWhoWaitsIsTold) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  clock_.Advance(seconds(30));
  Freshen({"contoso.azurecr.io"});
  Freshen({"contoso.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_EQ(done_, 0) << "not in the facts yet";
  Merge();
  EXPECT_EQ(done_, 2);
  EXPECT_EQ(Observed("contoso"), clock_.Now());
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "list 1", "get contoso"));
}

TEST_F(LiveInventoryTest, AConfirmationThatFailsTellsAtOnceAndChangesNothing) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  const base::Time observed = Observed("contoso");
  clock_.Advance(seconds(30));
  reader_.Fail(ErrorOf(ArmError::Kind::kUnavailable, 500));
  Freshen({"contoso.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(Observed("contoso"), observed);
}

TEST_F(LiveInventoryTest, AConfirmationThatFindsNothingMakesTheRegistryUnknown) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  reader_.Delete("contoso");
  clock_.Advance(seconds(30));
  Freshen({"contoso.azurecr.io"});
  ConfirmAll();
  EXPECT_EQ(done_, 1);
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(LiveInventoryTest, AConfirmationToldOfAnotherLoginServerMakesTheOldOneUnknown) {
  auto facts = std::make_shared<policy::Facts>();
  facts->Add(std::make_shared<policy::RegistryFacts>(
      policy::RegistryFacts{{"contoso-a1b2c3.azurecr.io", "contoso", IdOf("contoso", kOne), clock_.Now() - minutes(10), "{}"}, {}}));
  facts_ = facts;
  reader_.Put("contoso");
  Start();
  Freshen({"contoso-a1b2c3.azurecr.io"});
  ConfirmAll();
  EXPECT_EQ(done_, 1);
  EXPECT_EQ(facts_->Find("contoso-a1b2c3.azurecr.io"), nullptr);
  EXPECT_NE(facts_->Find("contoso.azurecr.io"), nullptr);
}

TEST_F(LiveInventoryTest, AListThatWasAskedBeforeARegistryWasGoneDoesNotBringItBack) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  clock_.Advance(minutes(2));
  reader_.BeforeAnswer([this] {  // the list is asked already, and holds it
    reader_.Delete("contoso");
    clock_.Advance(seconds(1));
    Freshen({"contoso.azurecr.io"});
    ConfirmAll();
    EXPECT_THAT(Known(), IsEmpty());
  });
  RefreshAll();
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(LiveInventoryTest, AProblemThatComesBackIsLoggedAgain) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  for (int i = 0; i < 2; ++i) {
    reader_.Fail(ErrorOf(ArmError::Kind::kUnavailable, 503));
    RefreshFor(seconds(70));
    EXPECT_THAT(logged_.back(), HasSubstr("Azure answered 503"));
    reader_.Fail(std::nullopt);
    RefreshFor(seconds(70));
    EXPECT_THAT(logged_.back(), HasSubstr("without errors"));
  }
}

TEST_F(LiveInventoryTest, AnUnknownHostThatExistsIsLookedUpReadAndKeptFresh) {
  Start();
  RefreshAll();
  reader_.Put("fabrikam", kTwo);
  Freshen({"fabrikam.azurecr.io"});
  ConfirmAll();
  EXPECT_EQ(done_, 1);
  EXPECT_THAT(Known(), ElementsAre("fabrikam"));
  RefreshAll();
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "look up 1", "get fabrikam", "list 2")) << "its subscription is listed from now on";
}

TEST_F(LiveInventoryTest, AHostOfAnotherCloudIsNotLookedUp) {
  Start();
  RefreshAll();
  Freshen({"fabrikam.azurecr.us"});
  EXPECT_EQ(done_, 1);
  EXPECT_FALSE(inventory_->ConfirmOnce());
}

TEST_F(LiveInventoryTest, SavedRegistriesAreListedAndWhatIsOutOfScopeIsForgotten) {
  auto facts = std::make_shared<policy::Facts>();
  for (const auto& [name, subscription] : {std::pair("contoso", kOne), std::pair("fabrikam", kTwo)}) {
    facts->Add(std::make_shared<policy::RegistryFacts>(
        policy::RegistryFacts{{std::string(name) + ".azurecr.io", name, IdOf(name, subscription), clock_.Now() - minutes(10), "{}"}, {}}));
  }
  facts_ = facts;
  Start({{kOne}, {}});
  EXPECT_THAT(Known(), ElementsAre("contoso"));
  EXPECT_THAT(logged_, Contains(HasSubstr("1 registries of the saved inventory")));
}

TEST_F(LiveInventoryTest, ASavedRegistryWhoseIdIsNoneOfAzuresIsForgotten) {  // an inventory file may name anything
  auto facts = std::make_shared<policy::Facts>();
  facts->Add(std::make_shared<policy::RegistryFacts>(
      policy::RegistryFacts{{"old.azurecr.io", "old", "/subscriptions/prod/registries/old", clock_.Now(), "{}"}, {}}));
  facts_ = facts;
  Start();
  RefreshAll();
  EXPECT_THAT(Known(), IsEmpty());
  EXPECT_EQ(inventory_->status().problem, std::nullopt);
  EXPECT_TRUE(complete_);
}

TEST_F(LiveInventoryTest, ASavedSubscriptionIsListedThoughDiscoveryFails) {
  auto facts = std::make_shared<policy::Facts>();
  facts->Add(std::make_shared<policy::RegistryFacts>(
      policy::RegistryFacts{{"contoso.azurecr.io", "contoso", IdOf("contoso", kOne), clock_.Now() - minutes(10), "{}"}, {}}));
  facts_ = facts;
  reader_.Put("contoso");
  Start();
  EXPECT_TRUE(inventory_->RefreshOnce());
  EXPECT_TRUE(inventory_->RefreshOnce());
  Merge();
  EXPECT_EQ(Observed("contoso"), clock_.Now());
}

TEST_F(LiveInventoryTest, TwoIdentitiesReadTheirOwnSubscriptions) {
  FakeReader other(clock_);
  reader_.Put("contoso", kOne);
  other.Put("fabrikam", kTwo);
  sources_.push_back({"client secret", {}, &other});
  Start();
  RefreshAll();
  EXPECT_THAT(Known(), ElementsAre("contoso", "fabrikam"));
  clock_.Advance(seconds(30));
  Freshen({"fabrikam.azurecr.io"});
  ConfirmAll();
  EXPECT_THAT(other.calls(), ElementsAre("discover", "list 2", "get fabrikam"));
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "list 1"));
}

TEST_F(LiveInventoryTest, AHostIsNotTakenForAbsentWhileOneIdentityCannotBeAsked) {
  FakeReader other(clock_);
  sources_.push_back({"client secret", {}, &other});
  Start();
  RefreshAll();
  other.Fail(ErrorOf(ArmError::Kind::kUnavailable, 503));
  Freshen({"fabrikam.azurecr.io"});
  ConfirmAll();
  EXPECT_EQ(done_, 1);
  other.Fail(std::nullopt);
  other.Put("fabrikam", kTwo);
  clock_.Advance(kLookUpInterval);
  Freshen({"fabrikam.azurecr.io"});
  ConfirmAll();
  EXPECT_THAT(Known(), ElementsAre("fabrikam"));
}

TEST_F(LiveInventoryTest, StatesAreReadAfterTheListEveryFifteenMinutes) {
  reader_.Put("contoso");
  ReadStates();
  Start();
  EXPECT_TRUE(inventory_->ReadsStates());
  EXPECT_FALSE(inventory_->ReadStatesOnce()) << "nothing is listed yet";
  RefreshAll();
  EXPECT_TRUE(inventory_->ReadStatesOnce());
  EXPECT_FALSE(inventory_->ReadStatesOnce());
  ASSERT_THAT(offers_, SizeIs(1));
  ASSERT_THAT(offers_.front().first.states, SizeIs(1));
  EXPECT_EQ(offers_.front().first.states[0].subscription, kOne);
  for (int i = 0; i < 60; ++i) {
    clock_.Advance(minutes(1));
    RefreshAll();
    while (inventory_->ReadStatesOnce()) {
    }
  }
  EXPECT_GE(states_read_, 4);
  EXPECT_LE(states_read_, 5);
  EXPECT_EQ((inventory_->status().reads.at({"states", "ok"})), static_cast<std::uint64_t>(states_read_));
}

TEST_F(LiveInventoryTest, StatesThatCannotBeReadAreToldOfAndDisturbNothing) {
  reader_.Put("contoso");
  ReadStates();
  states_failure_ = ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed");
  Start();
  for (int i = 0; i < 60; ++i) {
    RefreshAll();
    while (inventory_->ReadStatesOnce()) {
    }
    clock_.Advance(seconds(70));  // a list is due, whatever its jitter
  }
  EXPECT_GE(states_read_, 12) << "tried again";
  EXPECT_LE(states_read_, 25) << "ever more seldom";
  LiveInventory::Status status = inventory_->status();
  EXPECT_EQ(status.failing, 0u);
  EXPECT_EQ((status.reads.at({"list", "ok"})), 60u);
  EXPECT_THAT(status.problem, ::testing::Optional(HasSubstr("Azure Policy's states of subscription " + kOne + ": Azure answered 403")));
  EXPECT_THAT(logged_, Contains(HasSubstr("Azure Policy's states")));
  states_failure_.reset();
  clock_.Advance(minutes(10));
  EXPECT_TRUE(inventory_->ReadStatesOnce());
  EXPECT_EQ(inventory_->status().problem, std::nullopt);
}

TEST_F(LiveInventoryTest, StatesOfASubscriptionThatIsGoneMeanwhileAreNothing) {
  reader_.Put("contoso");
  ReadStates([this] {
    reader_.Delete("contoso");
    clock_.Advance(minutes(30));
    RefreshAll();
  });
  Start();
  RefreshAll();
  EXPECT_TRUE(inventory_->ReadStatesOnce());
  EXPECT_THAT(Known(), IsEmpty());
}

TEST_F(LiveInventoryTest, StatesAreNotReadUnlessTheyAreAskedFor) {
  reader_.Put("contoso");
  Start();
  RefreshAll();
  EXPECT_FALSE(inventory_->ReadsStates());
  EXPECT_FALSE(inventory_->ReadStatesOnce());
  EXPECT_EQ(inventory_->NextStates(), LiveInventory::Instant::max());
}

TEST_F(LiveInventoryTest, ChildrenAreReadWhenTheyAreNeededAndNotElse) {
  reader_.Put("contoso", kOne);
  reader_.Put("fabrikam", kTwo);
  Start();
  EXPECT_TRUE(inventory_->ReadsChildren());
  ReadChildrenFor(minutes(5));
  EXPECT_EQ(inventory_->status().reads.count({"children", "ok"}), 0u);
  needed_ = {"tokens"};
  const std::size_t before = reader_.calls().size();
  EXPECT_TRUE(inventory_->ReadChildrenOnce()) << "no list of registries has to come first";
  clock_.Advance(kChildrenSpacing);
  EXPECT_TRUE(inventory_->ReadChildrenOnce());
  EXPECT_FALSE(inventory_->ReadChildrenOnce());
  EXPECT_THAT(CallsFrom(before), ElementsAre("tokens of contoso", "tokens of fabrikam"));
  Merge();
  ASSERT_THAT(children_, SizeIs(2));
  EXPECT_EQ(children_[0].login_server, "contoso.azurecr.io");
  EXPECT_EQ(children_[0].resource_id, IdOf("contoso", kOne));
  EXPECT_EQ(children_[1].lists.at("tokens").observed, clock_.Now());
  EXPECT_EQ((inventory_->status().reads.at({"children", "ok"})), 2u);
  needed_ = {};
  ReadChildrenFor(minutes(30));
  EXPECT_EQ((inventory_->status().reads.at({"children", "ok"})), 2u);
}

TEST_F(LiveInventoryTest, TheChildrenOfANewRegistryAreReadAfterTheListThatBringsIt) {
  needed_ = {"tokens", "webhooks"};
  reader_.Put("contoso");
  Start();
  ReadChildrenFor(seconds(2));
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "list 1", "tokens of contoso", "webhooks of contoso"));
  reader_.Put("fabrikam");
  ReadChildrenFor(seconds(70));
  EXPECT_THAT(CallsFrom(4), ElementsAre("list 1", "tokens of fabrikam", "webhooks of fabrikam"));
}

TEST_F(LiveInventoryTest, ChildrenThatCannotBeReadAreToldOfAndDisturbNoList) {
  needed_ = {"tokens"};
  reader_.Put("contoso");
  Start();
  ReadChildrenFor(seconds(2));
  reader_.FailChildren(ErrorOf(ArmError::Kind::kForbidden, 403, "AuthorizationFailed"));
  ReadChildrenFor(minutes(30));
  LiveInventory::Status status = inventory_->status();
  EXPECT_EQ(status.children_failing, 1u);
  EXPECT_EQ(status.failing, 0u);
  EXPECT_LE((status.reads.at({"children", "forbidden"})), 15u);
  EXPECT_GE((status.reads.at({"list", "ok"})), 25u);
  EXPECT_THAT(status.problem, ::testing::Optional(AllOf(HasSubstr("tokens of"), HasSubstr("403 AuthorizationFailed"))));
  EXPECT_THAT(logged_, Contains(HasSubstr("tokens of")));
  EXPECT_THAT(children_.back().lists.at("tokens").problem, HasSubstr("Azure answered 403"));
  reader_.FailChildren(std::nullopt);
  ReadChildrenFor(minutes(6));
  EXPECT_EQ(inventory_->status().problem, std::nullopt);
  EXPECT_EQ(inventory_->status().children_failing, 0u);
}

TEST_F(LiveInventoryTest, AConfirmationReadsTheNeededChildrenAndOffersAllAtOnce) {
  needed_ = {"tokens", "webhooks"};
  reader_.Put("contoso");
  Start();
  ReadChildrenFor(seconds(30));
  const std::size_t before = reader_.calls().size();
  Freshen({"contoso.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_THAT(CallsFrom(before), ElementsAre("get contoso", "tokens of contoso", "webhooks of contoso"));
  ASSERT_THAT(offers_, SizeIs(1));
  ASSERT_THAT(offers_.front().first.present, SizeIs(1));
  const auto& lists = offers_.front().first.present[0].children;
  ASSERT_NE(lists, nullptr);
  ASSERT_THAT(*lists, SizeIs(2));
  EXPECT_EQ(lists->at("webhooks").observed, clock_.Now());
  EXPECT_EQ(done_, 0);
  Merge();
  EXPECT_EQ(done_, 1);
  clock_.Advance(kConfirmInterval);
  needed_ = {};
  Freshen({"contoso.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_EQ(offers_.front().first.present[0].children, nullptr);
}

TEST_F(LiveInventoryTest, AConfirmationWithoutTheChildrenIsOneOfTheRegistry) {
  needed_ = {"tokens", "webhooks"};
  reader_.Put("contoso");
  Start();
  ReadChildrenFor(seconds(30));
  reader_.BeforeChildren([this] { clock_.Advance(kGetDeadline); });
  const std::size_t before = reader_.calls().size();
  reader_.FailChildren(ErrorOf(ArmError::Kind::kUnavailable, 0));
  Freshen({"contoso.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_THAT(CallsFrom(before), ElementsAre("get contoso", "tokens of contoso")) << "no time is left for more";
  ASSERT_THAT(offers_, SizeIs(1));
  ASSERT_THAT(offers_.front().first.present, SizeIs(1));
  const auto& lists = offers_.front().first.present[0].children;
  ASSERT_NE(lists, nullptr);
  EXPECT_THAT(*lists, SizeIs(1));
  EXPECT_EQ(lists->at("tokens").resources, "");
  EXPECT_THAT(lists->at("tokens").problem, HasSubstr("What happened."));
  Merge();
  EXPECT_EQ(done_, 1);
}

TEST_F(LiveInventoryTest, AnUnknownHostIsReadWithItsChildren) {
  needed_ = {"tokens"};
  Start();
  RefreshAll();
  reader_.Put("fabrikam", kTwo);
  Freshen({"fabrikam.azurecr.io"});
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_TRUE(inventory_->ConfirmOnce());
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "look up 1", "get fabrikam", "tokens of fabrikam"));
  ASSERT_NE(offers_.front().first.present[0].children, nullptr);
}

TEST_F(LiveInventoryTest, ConfirmationsWithChildrenKeepTheirPaceInRequests) {
  needed_ = {"scopeMaps", "tokens", "webhooks"};
  for (int i = 0; i < 10; ++i) {
    reader_.Put("registry" + std::to_string(i));
  }
  Start();
  RefreshAll();
  clock_.Advance(seconds(10));
  for (int i = 0; i < 10; ++i) {
    Freshen({"registry" + std::to_string(i) + ".azurecr.io"});
  }
  EXPECT_TRUE(inventory_->ConfirmOnce());
  clock_.Advance(kConfirmSpacing * 4 - milliseconds(1));
  EXPECT_FALSE(inventory_->ConfirmOnce());
  clock_.Advance(milliseconds(1));
  EXPECT_TRUE(inventory_->ConfirmOnce());
}

TEST_F(LiveInventoryTest, EachIdentityReadsTheChildrenOfItsOwnRegistries) {
  FakeReader other(clock_);
  reader_.Put("contoso", kOne);
  other.Put("fabrikam", kTwo);
  sources_.push_back({"client secret", {}, &other});
  needed_ = {"tokens"};
  Start();
  ReadChildrenFor(seconds(2));
  EXPECT_THAT(other.calls(), ElementsAre("discover", "list 2", "tokens of fabrikam"));
  EXPECT_THAT(reader_.calls(), ElementsAre("discover", "list 1", "tokens of contoso"));
}

// The threads, by the system's clock.
TEST(LiveThreads, ReadWhatIsDueAndConfirmWhatIsAsked) {
  const base::SystemClock clock;
  FakeReader reader(clock);
  reader.Put("contoso");
  base::Mutex mutex;
  base::CondVar changed;
  auto facts = std::make_shared<const policy::Facts>();
  bool complete = false;
  bool children = false;
  bool done = false;
  std::vector<std::thread> mergers;
  LiveInventory::Hooks hooks{[&](policy::Observations learned, const std::function<void()>& merged) {
                               base::MutexLock lock(mutex);
                               auto next = std::make_shared<policy::Facts>(*facts);
                               for (policy::Registry& registry : learned.present) {
                                 next->Add(std::make_shared<policy::RegistryFacts>(policy::RegistryFacts{std::move(registry), {}}));
                               }
                               facts = std::move(next);
                               complete = complete || learned.complete;
                               children = children || !learned.children.empty();
                               if (merged) {
                                 mergers.emplace_back(merged);  // the owner of the facts has a thread of its own
                               }
                               changed.NotifyAll();
                             },
                             [&] {
                               base::MutexLock lock(mutex);
                               return facts;
                             },
                             [](base::LogLevel, std::string_view) {}, [] { return std::set<std::string>{"tokens"}; }};
  LiveInventory::Options options;
  options.registry_suffixes = {"azurecr.io"};
  LiveInventory inventory(options, {{"identity", {}, &reader}}, hooks, clock);
  std::atomic<int> interrupts = 0;
  LiveThreads threads(inventory, [&] { ++interrupts; });
  {
    base::MutexLock lock(mutex);
    while (!complete || !children) {
      changed.Wait(mutex);
    }
  }
  inventory.Freshen({"contoso.azurecr.io"}, clock.Monotonic() + seconds(60), [&] {
    base::MutexLock lock(mutex);
    done = true;
    changed.NotifyAll();
  });
  {
    base::MutexLock lock(mutex);
    while (!done) {
      changed.Wait(mutex);
    }
  }
  threads.Stop();
  threads.Stop();
  for (std::thread& merger : mergers) {
    merger.join();
  }
  EXPECT_EQ(interrupts, 1);
  EXPECT_THAT(reader.calls(), UnorderedElementsAre("discover", "list 1", "tokens of contoso", "get contoso", "tokens of contoso"));
}

}  // namespace
}  // namespace azure
