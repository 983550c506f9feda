#include "audit/replay.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "policy/decision.h"
#include "policy/policy.h"

namespace audit {
namespace {

using policy::DecisionKind;
using policy::Effect;
using policy::FindingResult;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr base::Time kNow{std::chrono::microseconds(1'795'435'200'123'456)};

std::shared_ptr<const policy::Policy> Load(const std::string& body) {
  static const policy::DefinitionSet kDefinitions = policy::DefinitionSet::WithBuiltIns();
  auto loaded = policy::LoadPolicy("apiVersion: acr-admission.io/v1\nkind: RegistryPolicy\n" + body, "policy.yaml", kDefinitions, {}, true);
  EXPECT_TRUE(loaded) << body << (loaded ? "" : base::ToString(loaded.error()));
  return loaded ? *loaded : std::make_shared<const policy::Policy>();
}

// What is true of one registry, whoever judges it: what each rule comes to, and what Azure Policy says.
struct Truth {
  policy::Registry registry;
  std::uint32_t seed = 0;
  std::chrono::microseconds states_age{0};

  std::mt19937 RandomFor(std::string_view rule) const {
    return std::mt19937(static_cast<std::uint32_t>(std::hash<std::string_view>{}(rule)) ^ seed);
  }

  policy::Finding FindingBy(const policy::Requirement& requirement) const {
    std::mt19937 random = RandomFor(requirement.rule);
    policy::Finding finding;
    finding.requirement = requirement.name;
    finding.rule = requirement.rule;
    finding.effect = requirement.effect;
    finding.source = requirement.source;
    finding.result = std::array{FindingResult::kCompliant, FindingResult::kNonCompliant, FindingResult::kUnknown}[random() % 3];
    if (requirement.source == policy::FindingSource::kAzurePolicy) {
      finding.result = FindingResult::kUnknown;
      if (random() % 4 != 0) {
        finding.azure = policy::ComplianceOpinion{static_cast<policy::ComplianceState>(random() % 5), kNow - 1h};
        policy::TakeOpinion(finding);
      }
    }
    if (finding.result == FindingResult::kCompliant) {
      finding.last_compliant = registry.observed;
    } else if (random() % 3 != 0) {
      // Often about an hour ago, where driftGrace ends: to the microsecond.
      finding.last_compliant = kNow - 1h + std::chrono::microseconds(static_cast<int>(random() % 3'000'001) - 1'500'000);
    }
    return finding;
  }

  std::shared_ptr<const policy::RegistryFacts> JudgedBy(const policy::Policy& policy) const {
    auto facts = std::make_shared<policy::RegistryFacts>();
    facts->registry = registry;
    facts->states = std::make_shared<const policy::ComplianceStates>(policy::ComplianceStates{kNow - states_age, {}});
    for (const policy::Requirement& requirement : policy.requirements) {
      if (requirement.effect != Effect::kDisabled && requirement.scopes.Contain(registry.resource_id)) {
        facts->verdict.push_back(FindingBy(requirement));
      }
    }
    return facts;
  }
};

using Truths = std::vector<Truth>;

policy::Facts JudgedBy(const policy::Policy& policy, const Truths& truths) {
  policy::Facts facts;
  for (const Truth& truth : truths) {
    facts.Add(truth.JudgedBy(policy));
  }
  return facts;
}

Record RecordOf(const policy::Admission& admission, const policy::Policy& policy, const policy::Facts& facts) {
  const policy::Decision decision = policy::Decide(policy, facts, admission, kNow);
  RequestContext context;
  context.time = kNow;
  return MakeRecord(admission, decision, policy, context);
}

RecordedAdmission Read(const Record& record) {
  auto recorded = ReadRecord(record.json);
  EXPECT_TRUE(recorded) << record.json << (recorded ? "" : recorded.error().message);
  return recorded ? *std::move(recorded) : RecordedAdmission();
}

// Random policies, registries and admissions, in which everything that a decision depends on occurs.
class Generator {
 public:
  explicit Generator(std::uint32_t seed) : random_(seed) {}

  std::shared_ptr<const policy::Policy> MakePolicy() {
    std::string text = "requirements:\n";
    for (const char* name : {"customer-managed-key", "private-link", "restricted-network", "dedicated-data-endpoints", "premium-sku"}) {
      if (OneIn(3)) {
        continue;
      }
      text += "  - {definition: " + std::string(name) + ", effect: " + Pick({"Deny", "Deny", "Warn", "Audit", "Disabled"});
      if (name == std::string("dedicated-data-endpoints")) {
        text += OneIn(2) ? ", parameters: {acceptPrivateEndpoint: true}" : "";
      } else if (OneIn(4)) {
        text += ", source: azurePolicy";
      }
      text += OneIn(5) ? ", " + Pick({"scopes", "notScopes"}) + ": [" + ResourceId("first") + "]" : "";
      text += "}\n";
    }
    text += text.ends_with(":\n") ? "  []\n" : "";
    text += "sources:\n  - {images: [\"quay.io/**\"], action: " + Pick({"Allow", "Warn", "Audit", "Deny"}) + "}\n";
    if (OneIn(2)) {
      text += "  - {images: [\"second.azurecr.io/**\", \"unheard.azurecr.io/**\"], action: " +
              Pick({"Allow, unverified: true", "Allow", "Warn", "Audit", "Deny", "Verify"}) + "}\n";
    }
    text += "otherRegistries: " + Pick({"Deny", "Warn", "Audit", "Allow"}) + "\n";
    text += "unknownRegistry: " + Pick({"Deny", "Warn", "Audit", "Disabled"}) + "\n";
    text += "unknownFinding: " + Pick({"Deny", "Warn", "Audit", "Disabled"}) + "\n";
    text += "staleVerdict: {after: " + Pick({"1h", "2h", "72h"}) + ", effect: " + Pick({"Deny", "Warn", "Audit", "Disabled"}) + "}\n";
    text += "driftGrace: " + Pick({"0s", "1h", "2h"}) + "\n";
    text += "workloads: " + Pick({"Deny", "Deny", "Warn", "Off"}) + "\n";
    text += "maxEffect: " + Pick({"Deny", "Deny", "Deny", "Warn", "Audit"}) + "\n";
    text += OneIn(2) ? "aliases: {images.contoso.com: first.azurecr.io, cr.contoso.com: unheard.azurecr.io}\n" : "";
    text += OneIn(2) ? "namespaces: [{names: [sandbox], maxEffect: " + Pick({"Warn", "Audit"}) + "}]\n" : "";
    if (OneIn(2) && text.find("private-link") != std::string::npos) {
      text += "exemptions:\n  - {name: e, requirements: [private-link], reason: r, expires: " + Pick({"2026-11-01", "2026-12-31"});
      text += Pick({", registries: [first.azurecr.io]", ", namespaces: [sandbox]", ", images: [\"*.azurecr.io/team/**\"]"});
      text += OneIn(3) ? ", resourceId: " + ResourceId(Pick({"first", "another"})) + "}\n" : "}\n";
    }
    return Load(text);
  }

  Truths MakeTruths() {
    Truths truths;
    for (const char* name : {"first", "second"}) {
      Truth truth;
      truth.seed = static_cast<std::uint32_t>(random_());
      truth.registry.login_server = std::string(name) + ".azurecr.io";
      truth.registry.resource_id = ResourceId(name);
      truth.registry.observed = kNow - Age();
      truth.states_age = Age();
      truths.push_back(std::move(truth));
    }
    return truths;
  }

  policy::Admission MakeAdmission() {
    policy::Admission admission;
    admission.uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
    admission.version = "v1";
    admission.kind = "Pod";
    admission.operation = "CREATE";
    admission.namespace_name = OneIn(2) ? "shop" : "sandbox";
    admission.workload = OneIn(3);
    if (admission.workload) {
      admission.group = "apps";
      admission.kind = "Deployment";
    }
    admission.mirror_pod = !admission.workload && OneIn(6);
    const bool update = OneIn(3);
    if (update) {
      admission.operation = "UPDATE";
      admission.template_changed = !OneIn(3);
    }
    if (OneIn(12)) {
      admission.problem = "spec.containers: expected an array";
    }
    const std::uint32_t count = static_cast<std::uint32_t>(random_() % 4) + (admission.problem.empty() ? 1 : 0);
    for (std::uint32_t i = 0; i < count; ++i) {
      policy::ImageUse use;
      use.image = texts_.emplace_back(Image());
      use.field = {"spec.containers", i, ".image"};
      use.in_old_object = update && OneIn(2);
      admission.images.push_back(use);
    }
    return admission;
  }

 private:
  static std::string ResourceId(const std::string& name) {
    return "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
  }
  bool OneIn(std::uint32_t n) { return random_() % n == 0; }
  std::string Pick(const std::vector<std::string>& choices) { return choices[random_() % choices.size()]; }

  // Often about an hour, where staleVerdict begins: to the microsecond.
  std::chrono::microseconds Age() {
    if (OneIn(4)) {
      return 1h + std::chrono::microseconds(static_cast<int>(random_() % 3'000'001) - 1'500'000);
    }
    return std::chrono::seconds(random_() % 10'000);
  }

  std::string Image() {
    return Pick({"first.azurecr.io/team/a:1", "first.azurecr.io/b", "second.azurecr.io/team/a:1", "unheard.azurecr.io/x",
                 "first.westeurope.geo.azurecr.io/team/a", "images.contoso.com/team/c", "cr.contoso.com/d", "quay.io/e/f", "nginx",
                 "first.weurope.data.azurecr.io/a", "-bad-", "", OneIn(8) ? std::string(1500, 'a') : "ghcr.io/g/h"});
  }

  std::mt19937 random_;
  std::deque<std::string> texts_;
};

std::vector<Effect> EffectsOf(const policy::Decision& decision, std::size_t images) {
  std::vector<Effect> effects(images, Effect::kDisabled);
  for (std::size_t i = 0; i < std::min(images, decision.images.size()); ++i) {
    effects[i] = decision.images[i].effect;
  }
  return effects;
}

// Fails unless `replayed` claims no more than is true.
void ExpectTrue(const Replayed& replayed, const policy::Decision& decided, const std::string& record) {
  EXPECT_LE(replayed.at_least, decided.kind) << record;
  EXPECT_GE(replayed.at_most, decided.kind) << record;
  const std::vector<Effect> effects = EffectsOf(decided, replayed.images.size());
  for (std::size_t i = 0; i < replayed.images.size(); ++i) {
    EXPECT_LE(replayed.images[i].at_least, effects[i]) << i << " " << record;
    EXPECT_GE(replayed.images[i].at_most, effects[i]) << i << " " << record;
  }
  if (replayed.certainty == Certainty::kExact) {
    EXPECT_EQ(replayed.after, decided.kind) << record;
    EXPECT_THAT(replayed.missing, IsEmpty());
    EXPECT_EQ(replayed.causes.empty(), replayed.after == replayed.before) << record;
  } else {
    EXPECT_THAT(replayed.missing, Not(IsEmpty())) << record;
    EXPECT_LT(replayed.at_least, replayed.at_most) << record;
  }
}

constexpr std::uint32_t kWorlds = 1000;

TEST(Replay, UnderTheSamePolicyEveryDecisionComesOutAgain) {
  int exact = 0;
  int all = 0;
  std::map<DecisionKind, int> kinds;
  for (std::uint32_t seed = 0; seed < kWorlds && !testing::Test::HasFailure(); ++seed) {
    Generator generator(seed);
    const auto policy = generator.MakePolicy();
    const policy::Facts facts = JudgedBy(*policy, generator.MakeTruths());
    const policy::Admission admission = generator.MakeAdmission();
    const policy::Decision decision = policy::Decide(*policy, facts, admission, kNow);
    const Record record = RecordOf(admission, *policy, facts);
    const RecordedAdmission recorded = Read(record);
    const Replayed replayed = Replay(recorded, *policy, nullptr);
    EXPECT_EQ(replayed.before, decision.kind);
    ExpectTrue(replayed, decision, record.json);
    ++all;
    if (replayed.certainty == Certainty::kExact) {
      ++exact;
      ++kinds[decision.kind];
      continue;
    }
    // All else is in the record: what is left are texts that had no room, and the second that a limit falls into.
    EXPECT_THAT(replayed.missing, testing::Each(testing::AnyOf(HasSubstr("to the second"), HasSubstr("no room")))) << record.json;
  }
  EXPECT_GT(exact, all * 9 / 10);
  EXPECT_THAT(kinds, SizeIs(3));
}

TEST(Replay, UnderAnotherPolicyItIsExactOrSaysThatItIsNot) {
  std::map<Certainty, int> certainties;
  int different = 0;
  for (std::uint32_t seed = 0; seed < kWorlds && !testing::Test::HasFailure(); ++seed) {
    Generator generator(seed);
    const auto before = generator.MakePolicy();
    const auto after = generator.MakePolicy();
    const Truths truths = generator.MakeTruths();
    const policy::Admission admission = generator.MakeAdmission();
    const policy::Facts facts = JudgedBy(*before, truths);
    if (policy::Decide(*before, facts, admission, kNow).NothingDecided()) {
      continue;  // no record
    }
    const Record record = RecordOf(admission, *before, facts);
    const RecordedAdmission recorded = Read(record);
    const policy::Facts facts_after = JudgedBy(*after, truths);
    const policy::Decision decided = policy::Decide(*after, facts_after, admission, kNow);
    const Replayed replayed = Replay(recorded, *after, nullptr);
    ExpectTrue(replayed, decided, record.json);
    ++certainties[replayed.certainty];
    different += replayed.certainty == Certainty::kExact && replayed.after != replayed.before ? 1 : 0;

    const Replayed estimated = Replay(recorded, *after, &facts_after);
    ExpectTrue(estimated, decided, record.json);
    EXPECT_LE(estimated.at_least, estimated.after);
    EXPECT_GE(estimated.at_most, estimated.after);
    ++certainties[estimated.certainty];
  }
  EXPECT_GT(certainties[Certainty::kExact], 500);
  EXPECT_GT(certainties[Certainty::kUntold], 50);
  EXPECT_GT(certainties[Certainty::kEstimated], 50);
  EXPECT_GT(different, 100);
}

// One admission of images, decided by one policy and replayed under another.
class ReplayOne : public ::testing::Test {
 protected:
  ReplayOne() {
    admission_.uid = "u";
    admission_.operation = "CREATE";
    admission_.version = "v1";
    admission_.kind = "Pod";
    admission_.namespace_name = "shop";
  }

  void Use(std::string image) {
    policy::ImageUse use;
    use.image = texts_.emplace_back(std::move(image));
    use.field = {"spec.containers", static_cast<std::uint32_t>(admission_.images.size()), ".image"};
    admission_.images.push_back(use);
  }

  // contoso.azurecr.io, with what each requirement comes to.
  static policy::Facts Contoso(const policy::Policy& policy, FindingResult result, std::string id = "/subscriptions/s/registries/contoso") {
    policy::RegistryFacts facts;
    facts.registry.login_server = "contoso.azurecr.io";
    facts.registry.resource_id = std::move(id);
    facts.registry.observed = kNow - 30s;
    for (const policy::Requirement& requirement : policy.requirements) {
      policy::Finding finding;
      finding.requirement = requirement.name;
      finding.rule = requirement.rule;
      finding.effect = requirement.effect;
      finding.result = result;
      if (requirement.effect != Effect::kDisabled) {
        facts.verdict.push_back(finding);
      }
    }
    policy::Facts all;
    all.Add(std::make_shared<const policy::RegistryFacts>(std::move(facts)));
    return all;
  }

  Replayed From(const policy::Policy& before, const policy::Facts& facts, const policy::Policy& after,
                const policy::Facts* now = nullptr) const {
    return Replay(Read(RecordOf(admission_, before, facts)), after, now);
  }

  policy::Admission admission_;
  std::deque<std::string> texts_;
  std::shared_ptr<const policy::Policy> audit_ = Load("requirements: [{definition: private-link, effect: Audit}]\n");
  std::shared_ptr<const policy::Policy> deny_ = Load("requirements: [{definition: private-link, effect: Deny}]\n");
  std::shared_ptr<const policy::Policy> more_ =
      Load("requirements: [{definition: private-link, effect: Deny}, {definition: premium-sku, effect: Deny}]\n");
};

TEST_F(ReplayOne, FromAuditToDenyIsExact) {
  Use("contoso.azurecr.io/a");
  Replayed replayed = From(*audit_, Contoso(*audit_, FindingResult::kNonCompliant), *deny_);
  EXPECT_EQ(replayed.certainty, Certainty::kExact);
  EXPECT_EQ(replayed.before, DecisionKind::kAllowed);
  EXPECT_EQ(replayed.after, DecisionKind::kDenied);
  EXPECT_THAT(replayed.causes, ElementsAre(Cause{"contoso.azurecr.io", "private-link"}));
  replayed = From(*audit_, Contoso(*audit_, FindingResult::kCompliant), *deny_);
  EXPECT_EQ(replayed.certainty, Certainty::kExact);
  EXPECT_EQ(replayed.after, DecisionKind::kAllowed);
}

TEST_F(ReplayOne, WhatWouldNoLongerBeDeniedNamesWhatDeniedIt) {
  Use("contoso.azurecr.io/a");
  const Replayed replayed = From(*deny_, Contoso(*deny_, FindingResult::kNonCompliant), *audit_);
  EXPECT_EQ(replayed.after, DecisionKind::kAllowed);
  EXPECT_THAT(replayed.causes, ElementsAre(Cause{"contoso.azurecr.io", "private-link"}));
}

TEST_F(ReplayOne, ARequirementThatIsNewCannotBeTold) {
  Use("contoso.azurecr.io/a");
  const Replayed replayed = From(*deny_, Contoso(*deny_, FindingResult::kCompliant), *more_);
  EXPECT_EQ(replayed.certainty, Certainty::kUntold);
  EXPECT_EQ(replayed.at_least, DecisionKind::kAllowed);
  EXPECT_EQ(replayed.at_most, DecisionKind::kDenied);
  EXPECT_EQ(replayed.after, DecisionKind::kDenied) << "the strongest that it can be";
  EXPECT_THAT(replayed.missing, ElementsAre("premium-sku was not judged then, or by another definition or other parameters"));
  EXPECT_THAT(replayed.causes, ElementsAre(Cause{"contoso.azurecr.io", "premium-sku"}));
}

TEST_F(ReplayOne, WhatIsDeniedAnywayIsToldWhateverElseIsNotKnown) {
  Use("contoso.azurecr.io/a");
  const Replayed replayed = From(*audit_, Contoso(*audit_, FindingResult::kNonCompliant), *more_);
  EXPECT_EQ(replayed.certainty, Certainty::kExact);
  EXPECT_EQ(replayed.after, DecisionKind::kDenied);
  EXPECT_THAT(replayed.causes, ElementsAre(Cause{"contoso.azurecr.io", "private-link"}));
}

TEST_F(ReplayOne, OtherParametersAreAnotherRule) {
  Use("contoso.azurecr.io/a");
  const auto one = Load("requirements: [{definition: dedicated-data-endpoints, parameters: {acceptPrivateEndpoint: true}}]\n");
  const auto other = Load("requirements: [{definition: dedicated-data-endpoints, parameters: {acceptPrivateEndpoint: false}}]\n");
  EXPECT_EQ(From(*one, Contoso(*one, FindingResult::kCompliant), *one).certainty, Certainty::kExact);
  EXPECT_EQ(From(*one, Contoso(*one, FindingResult::kCompliant), *other).certainty, Certainty::kUntold);
}

TEST_F(ReplayOne, OutOfScopeIsExactAndWhatComesIntoScopeCannotBeTold) {
  Use("contoso.azurecr.io/a");
  const auto elsewhere = Load("requirements: [{definition: private-link, scopes: [/subscriptions/t]}]\n");
  const auto here = Load("requirements: [{definition: private-link, scopes: [/subscriptions/S]}]\n");
  Replayed replayed = From(*deny_, Contoso(*deny_, FindingResult::kNonCompliant), *elsewhere);
  EXPECT_EQ(replayed.certainty, Certainty::kExact);
  EXPECT_EQ(replayed.after, DecisionKind::kAllowed);
  replayed = From(*deny_, Contoso(*deny_, FindingResult::kNonCompliant), *here);
  EXPECT_EQ(replayed.certainty, Certainty::kExact);
  EXPECT_EQ(replayed.after, DecisionKind::kDenied);
  const auto nothing = Load("requirements: []\n");
  EXPECT_EQ(From(*nothing, Contoso(*nothing, FindingResult::kNonCompliant), *here).certainty, Certainty::kUntold);
}

TEST_F(ReplayOne, AScopeMayHoldARegistryThatWasNotLookedUp) {
  Use("images.contoso.com/a");
  const auto plain = Load("otherRegistries: Allow\nrequirements: [{definition: private-link}]\n");
  const auto aliased = Load(
      "requirements: [{definition: private-link, scopes: [/subscriptions/t]}]\notherRegistries: Allow\nunknownRegistry: Disabled\n"
      "staleVerdict: {after: 1h, effect: Disabled}\naliases: {images.contoso.com: contoso.azurecr.io}\n");
  const policy::Facts facts = Contoso(*plain, FindingResult::kNonCompliant);
  EXPECT_EQ(From(*plain, facts, *aliased).certainty, Certainty::kUntold);
  const Replayed replayed = From(*plain, facts, *aliased, &facts);
  EXPECT_EQ(replayed.certainty, Certainty::kEstimated);
  EXPECT_EQ(replayed.after, DecisionKind::kAllowed) << "today's registry of that name is out of scope";
}

TEST_F(ReplayOne, WhatIsKnownNowAnswersWhereTheRecordDoesNotAndIsNotCalledExact) {
  Use("contoso.azurecr.io/a");
  const policy::Facts before = Contoso(*deny_, FindingResult::kCompliant);
  for (const auto& [result, after] :
       {std::pair{FindingResult::kCompliant, DecisionKind::kAllowed}, {FindingResult::kNonCompliant, DecisionKind::kDenied}}) {
    const policy::Facts now = Contoso(*more_, result);
    const Replayed replayed = From(*deny_, before, *more_, &now);
    EXPECT_EQ(replayed.certainty, Certainty::kEstimated);
    EXPECT_EQ(replayed.after, after) << "private-link was met then, whatever it is now";
    EXPECT_THAT(replayed.missing, SizeIs(1));
  }
}

TEST_F(ReplayOne, AnotherRegistryOfThatNameAnswersNothing) {
  Use("contoso.azurecr.io/a");
  const policy::Facts now = Contoso(*more_, FindingResult::kCompliant, "/subscriptions/s/registries/another");
  const policy::Facts none;
  for (const policy::Facts* known : {&now, &none}) {
    EXPECT_EQ(From(*deny_, Contoso(*deny_, FindingResult::kCompliant), *more_, known).certainty, Certainty::kUntold);
  }
}

TEST_F(ReplayOne, ARegistryBehindANewAliasWasNotLookedUp) {
  Use("images.contoso.com/a");
  const auto aliased =
      Load("requirements: [{definition: private-link}]\notherRegistries: Allow\naliases: {images.contoso.com: contoso.azurecr.io}\n");
  const auto plain = Load("otherRegistries: Allow\nrequirements: [{definition: private-link}]\n");
  const policy::Facts facts = Contoso(*plain, FindingResult::kCompliant);
  Replayed replayed = From(*plain, facts, *aliased);
  EXPECT_EQ(replayed.certainty, Certainty::kUntold);
  EXPECT_EQ(replayed.at_most, DecisionKind::kDenied);
  replayed = From(*plain, facts, *aliased, &facts);
  EXPECT_EQ(replayed.certainty, Certainty::kEstimated);
  EXPECT_EQ(replayed.after, DecisionKind::kAllowed);
  EXPECT_EQ(From(*aliased, facts, *plain).certainty, Certainty::kExact);
}

TEST_F(ReplayOne, ExemptionsCountAsOfTheTimeOfTheRecord) {
  Use("contoso.azurecr.io/a");
  const std::string exemption =
      "requirements: [{definition: private-link}]\nexemptions: [{name: e, requirements: [private-link], reason: r, "
      "registries: [contoso.azurecr.io], expires: ";
  const auto waived = Load(exemption + "2026-11-24}]\n");
  const auto over = Load(exemption + "2026-11-22}]\n");
  const policy::Facts facts = Contoso(*audit_, FindingResult::kNonCompliant);
  ASSERT_LT(kNow, waived->exemptions[0].expires);
  ASSERT_GT(kNow, over->exemptions[0].expires);
  EXPECT_EQ(From(*audit_, facts, *waived).after, DecisionKind::kAllowed);
  EXPECT_EQ(From(*audit_, facts, *over).after, DecisionKind::kDenied);
}

TEST_F(ReplayOne, ImagesThatHadNoRoomAreSaidToBeMissing) {
  for (int i = 0; i < 3000; ++i) {
    Use("contoso.azurecr.io/a:" + std::to_string(i));
  }
  const policy::Facts facts = Contoso(*audit_, FindingResult::kCompliant);
  const Replayed replayed = From(*audit_, facts, *deny_, &facts);
  EXPECT_EQ(replayed.certainty, Certainty::kUntold) << "nothing that is known now tells which images they were";
  EXPECT_EQ(replayed.at_least, DecisionKind::kAllowed);
  EXPECT_THAT(replayed.missing, ElementsAre("images had no room in the record"));
  EXPECT_THAT(replayed.causes, ElementsAre(Cause{"", kNotRecorded}));
  const Replayed anyway = From(*audit_, Contoso(*audit_, FindingResult::kNonCompliant), *deny_);
  EXPECT_EQ(anyway.certainty, Certainty::kExact);
  EXPECT_THAT(anyway.causes, ElementsAre(Cause{"contoso.azurecr.io", "private-link"}));
}

TEST_F(ReplayOne, ARecordWithoutRulesTellsNoVerdict) {
  Use("contoso.azurecr.io/a");
  auto record = nlohmann::json::parse(RecordOf(admission_, *audit_, Contoso(*audit_, FindingResult::kCompliant)).json);
  record.erase("rules");
  const auto recorded = ReadRecord(record.dump());
  ASSERT_TRUE(recorded);
  EXPECT_EQ(Replay(*recorded, *deny_, nullptr).certainty, Certainty::kUntold);
  EXPECT_EQ(Replay(*recorded, *Load("requirements: []\n"), nullptr).certainty, Certainty::kExact);
}

TEST_F(ReplayOne, ACustomCloudsHostNeedsItsConfiguration) {
  policy::RegistrySuffixes suffixes = policy::RegistrySuffixes().With({"azurecr.example"});
  Use("contoso.azurecr.example/a");
  policy::Policy before = *audit_;
  before.registry_suffixes = suffixes;
  const Replayed without = From(before, {}, *deny_);
  EXPECT_EQ(without.certainty, Certainty::kUntold);
  EXPECT_THAT(without.missing, ElementsAre(HasSubstr("inventory.azure.cloud")));
  policy::Policy after = *deny_;
  after.registry_suffixes = suffixes;
  EXPECT_EQ(From(before, {}, after).certainty, Certainty::kExact);
}

}  // namespace
}  // namespace audit
