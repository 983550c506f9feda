#include "state/keeper.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/yaml.h"
#include "state/load.h"
#include "state/merge.h"
#include "state/saved_inventory.h"

namespace state {
namespace {

// 10,000 registries are about 30 MB; a file beyond this is not an inventory.
constexpr std::size_t kMaxInventoryBytes = std::size_t{256} << 20;

// What Azure tells comes every second; the file has 24 MB for 10,000 registries. A restart after a crash begins with facts
// that are this much older.
constexpr std::chrono::minutes kSaveInterval{2};

// Definitions that ask for the time count days.
constexpr std::chrono::minutes kJudgeAgainEvery{1};
constexpr const char* kDefaultPolicyName = "the default policy";
constexpr const char* kLastGoodName = "the last good policy";

// A file from another clock's future is not fresher than now.
base::Time Observed(base::Time modified, const base::Clock& clock) { return std::min(modified, clock.Now()); }

base::Time Oldest(const policy::Facts& facts, base::Time now) {
  base::Time oldest = now;
  for (const auto& [login_server, known] : facts) {
    oldest = std::min(oldest, known->observed());
  }
  return oldest;
}

base::Loaded<std::shared_ptr<const policy::Policy>> LoadPolicyFrom(const KeeperOptions& options, const base::Result<std::string>& text,
                                                                   const DefinitionsFolder& definitions) {
  if (definitions.error()) {
    return tl::unexpected<base::Problems>({ToProblem(options.definitions_folder, *definitions.error())});
  }
  if (!text) {
    return tl::unexpected<base::Problems>({ToProblem(options.policy_file, text.error())});
  }
  return LoadPolicyWithDefinitions(*text, options.policy_file.empty() ? kDefaultPolicyName : options.policy_file, definitions.files(),
                                   options.registry_suffixes, options.compliance_states);
}

base::Result<std::vector<policy::Registry>> ReadInventory(const base::WatchedFile::Change& change, const KeeperOptions& options,
                                                          const base::Clock& clock) {
  if (!change.content) {
    return tl::unexpected<base::Error>(change.content.error());
  }
  return policy::ReadRegistries(*change.content, options.inventory_file, Observed(change.modified, clock), options.registry_suffixes);
}

std::vector<policy::Registry> RegistriesOf(const policy::Facts& facts) {
  std::vector<policy::Registry> registries;
  registries.reserve(facts.size());
  for (const auto& [login_server, known] : facts) {
    registries.push_back(known->registry);
  }
  return registries;
}

// None when there is none that can be used.
std::optional<SavedInventory> ReadSaved(const KeeperOptions& options, const base::Clock& clock) {
  if (options.saved_file.empty()) {
    return std::nullopt;
  }
  const auto text = base::ReadFile(options.saved_file, kMaxInventoryBytes);
  if (!text) {
    return std::nullopt;
  }
  auto saved = ReadSavedInventory(*text, options.saved_file, clock.Now());
  return saved ? std::make_optional(*std::move(saved)) : std::nullopt;
}

}  // namespace

Keeper::Keeper(KeeperOptions options, const base::Clock& clock, base::Log log)
    : options_(std::move(options)),
      clock_(clock),
      log_(std::move(log)),
      policy_file_(options_.policy_file, base::kMaxYamlBytes),
      definitions_(options_.definitions_folder),
      inventory_file_(options_.inventory_file, kMaxInventoryBytes),
      policy_text_(std::string(policy::DefaultPolicyText())) {}

base::Result<void> Keeper::Start(const Beginnings& beginnings) {
  if (const auto loaded = ReloadPolicy(); !loaded) {
    if (auto fallen_back = UseLastGoodPolicy(beginnings, loaded.error()); !fallen_back) {
      return fallen_back;
    }
  }
  RestoreSaved(beginnings);
  auto fresh = ReloadInventory();
  const bool was_read = fresh.has_value();
  Publish(Judge(std::move(fresh), nullptr));
  judged_at_ = clock_.Monotonic();
  if (was_read) {
    Save();
  }
  return {};
}

void Keeper::Poll() {
  states_.Collect();
  const std::shared_ptr<const policy::Policy> previous_policy = policy_;
  const auto policy_changed = ReloadPolicy();
  if (!policy_changed) {
    log_(base::LogLevel::kError, "policy not reloaded, the old one stays in force: " + policy_changed.error().message);
  }
  if (policy_changed.value_or(false)) {
    log_(base::LogLevel::kInfo, "policy reloaded: " + policy_->digest);
  }
  std::optional<std::vector<policy::Registry>> registries = ReloadInventory();
  const bool was_read = registries.has_value();
  std::vector<Offered> offers = TakeOffers();
  const bool time_went_by = policy::UsesTime(*policy_) && clock_.Monotonic() - judged_at_ >= kJudgeAgainEvery;
  const bool judge_all = was_read || policy_changed.value_or(false) || time_went_by;
  if (judge_all || !offers.empty()) {
    // Without a previous policy the same body is judged anew.
    policy::Facts facts = judge_all ? Judge(std::move(registries), time_went_by ? nullptr : previous_policy.get()) : std::move(facts_);
    judged_at_ = judge_all ? clock_.Monotonic() : judged_at_;
    for (Offered& offer : offers) {
      if (offer.saved) {
        primed_ = primed_ || offer.saved->complete;
        facts = MergeSaved(std::move(facts), offer.saved->facts, *policy_, clock_.Now(), options_.hidden_members);
        log_(base::LogLevel::kInfo, "taken what other replicas saved: " + std::to_string(offer.saved->facts.size()) + " registries");
      }
      primed_ = primed_ || offer.learned.complete;
      facts = Merge(std::move(facts), std::move(offer.learned), *policy_, clock_.Now(), options_.hidden_members);
    }
    Publish(std::move(facts));
  }
  for (const Offered& offer : offers) {
    if (offer.merged) {
      offer.merged();
    }
  }
  if (was_read) {
    Save();
  }
  if (!offers.empty() && !unsaved_since_) {
    unsaved_since_ = clock_.Monotonic();
  }
  SaveWhenDue();
}

void Keeper::Offer(policy::Observations learned, std::function<void()> merged) {
  base::MutexLock lock(inbox_mutex_);
  inbox_.push_back({std::move(learned), std::move(merged), {}});
}

void Keeper::OfferSaved(SavedInventory saved) {
  base::MutexLock lock(inbox_mutex_);
  inbox_.push_back({{}, {}, std::move(saved)});
}

std::vector<Keeper::Offered> Keeper::TakeOffers() {
  base::MutexLock lock(inbox_mutex_);
  return std::exchange(inbox_, {});
}

policy::Facts Keeper::Judge(std::optional<std::vector<policy::Registry>> fresh, const policy::Policy* previous_policy) const {
  if (!fresh) {
    fresh = RegistriesOf(facts_);
  }
  return JudgeAll(std::move(*fresh), *policy_, facts_, previous_policy, clock_.Now(), options_.hidden_members);
}

void Keeper::RestoreSaved(const Beginnings& beginnings) {
  std::optional<SavedInventory> saved = TakeSavedFile();
  std::string_view whose = "the saved inventory";
  if (beginnings.shared_inventory) {
    std::optional<SavedInventory> shared = beginnings.shared_inventory();
    if (shared && (!saved || IsBetter(*shared, *saved))) {
      saved = std::move(shared);
      whose = "the inventory that the replicas share";
      unsaved_since_ = clock_.Monotonic();
    }
  }
  if (!saved) {
    return;
  }
  facts_ = std::move(saved->facts);
  primed_ = saved->complete;
  if (beginnings.restored) {
    beginnings.restored(facts_);
  }
  log_(base::LogLevel::kInfo, "begun with " + std::string(whose) + ": " + std::to_string(facts_.size()) + " registries" +
                                  (primed_ ? "" : ", not all that there are"));
}

std::optional<SavedInventory> Keeper::TakeSavedFile() {
  if (options_.saved_file.empty()) {
    return std::nullopt;
  }
  const auto text = base::ReadFile(options_.saved_file, kMaxInventoryBytes);
  if (!text) {
    const bool first_start = text.error().code == base::ErrorCode::kNotFound;
    log_(first_start ? base::LogLevel::kInfo : base::LogLevel::kError, "no saved inventory: " + text.error().ToString());
    return std::nullopt;
  }
  auto saved = ReadSavedInventory(*text, options_.saved_file, clock_.Now());
  if (!saved) {
    const std::string aside = options_.saved_file + ".damaged";
    const bool moved = std::rename(options_.saved_file.c_str(), aside.c_str()) == 0;
    log_(base::LogLevel::kError, saved.error().ToString() + (moved ? "; it is set aside as " + aside : ""));
    return std::nullopt;
  }
  return *std::move(saved);
}

void Keeper::SaveWhenDue() {
  if (unsaved_since_ && clock_.Monotonic() - *unsaved_since_ >= kSaveInterval) {
    Save();
  }
}

void Keeper::SaveNow() {
  if (unsaved_since_) {
    Save();
  }
}

void Keeper::Save() {
  unsaved_since_.reset();
  if (options_.saved_file.empty()) {
    return;
  }
  if (const auto written = base::WriteFileAtomically(options_.saved_file, WriteSavedInventory(facts_, primed_, clock_.Now())); !written) {
    log_(base::LogLevel::kError, "the inventory is not saved: " + written.error().ToString());
  }
}

base::Result<bool> Keeper::ReloadPolicy() {
  bool changed = definitions_.Poll();
  if (!options_.policy_file.empty()) {
    if (auto change = policy_file_.Poll()) {
      policy_text_ = std::move(change->content);
      changed = true;
    }
  }
  if (!changed) {
    return false;
  }
  auto loaded = LoadPolicyFrom(options_, policy_text_, definitions_);
  if (!loaded) {
    std::string problem = base::ToString(loaded.error());
    base::MutexLock lock(mutex_);
    ++status_.policy_failures;
    status_.policy_problem = problem;
    good_policy_.reset();
    return base::Fail(base::ErrorCode::kInvalidArgument, std::move(problem));
  }
  const bool first = policy_ == nullptr;
  policy_ = std::move(*loaded);
  for (const policy::InitiativeUse& use : policy_->initiatives) {
    log_(base::LogLevel::kInfo, policy::Describe(use));
  }
  auto texts = std::make_shared<const PolicyTexts>(TextsInForce());
  base::MutexLock lock(mutex_);
  good_policy_ = std::move(texts);
  status_.policy_last_good = false;
  status_.policy_reloads += first ? 0 : 1;
  status_.policy_problem.reset();
  status_.policy_digest = policy_->digest;
  status_.policy_loaded = clock_.Now();
  return true;
}

base::Result<void> Keeper::UseLastGoodPolicy(const Beginnings& beginnings, const base::Error& problem) {
  if (!beginnings.last_good_policy) {
    return tl::unexpected<base::Error>(problem);
  }
  const auto texts = beginnings.last_good_policy();
  if (!texts) {
    return base::Fail(problem.code, problem.message + "\nthe last good policy: " + texts.error().message, texts.error().remedy);
  }
  std::map<std::string, base::Result<std::string>> definitions(texts->definitions.begin(), texts->definitions.end());
  auto loaded =
      LoadPolicyWithDefinitions(texts->policy, kLastGoodName, definitions, options_.registry_suffixes, options_.compliance_states);
  if (!loaded) {
    return base::Fail(problem.code, problem.message + "\n" + base::ToString(loaded.error()),
                      "the first are of the files, the others of what was kept when they were good last; mend the files");
  }
  policy_ = std::move(*loaded);
  log_(base::LogLevel::kError, "policy refused, the last good one is in force (" + policy_->digest + "): " + problem.message);
  base::MutexLock lock(mutex_);
  status_.policy_last_good = true;
  status_.policy_digest = policy_->digest;
  status_.policy_loaded = clock_.Now();
  return {};
}

PolicyTexts Keeper::TextsInForce() const {
  PolicyTexts texts{*policy_text_, {}};
  for (const auto& [path, content] : definitions_.files()) {
    texts.definitions.emplace(std::filesystem::path(path).filename().string(), *content);
  }
  return texts;
}

std::optional<std::vector<policy::Registry>> Keeper::ReloadInventory() {
  if (options_.inventory_file.empty()) {
    return std::nullopt;
  }
  const auto change = inventory_file_.Poll();
  if (!change) {
    return std::nullopt;
  }
  auto registries = ReadInventory(*change, options_, clock_);
  if (!registries) {
    std::string problem = ToProblem(options_.inventory_file, registries.error()).ToString();
    log_(base::LogLevel::kError, (primed_ ? "inventory not reloaded, the older facts stay in force: "
                                          : "inventory not read, every registry of Azure's is unknown until it is: ") +
                                     problem);
    base::MutexLock lock(mutex_);
    ++status_.inventory_failures;
    status_.inventory_problem = std::move(problem);
    return std::nullopt;
  }
  log_(base::LogLevel::kInfo, "inventory read: " + std::to_string(registries->size()) + " registries");
  base::MutexLock lock(mutex_);
  status_.inventory_reloads += primed_ ? 1 : 0;
  status_.inventory_problem.reset();
  primed_ = true;
  return std::move(*registries);
}

void Keeper::Publish(policy::Facts facts) {
  facts_ = std::move(facts);
  auto state = std::make_shared<State>();
  state->generation = ++generation_;
  state->policy = policy_;
  state->facts = facts_;
  state->primed = primed_;
  {
    base::MutexLock lock(mutex_);
    status_.primed = primed_;
    status_.registries = facts_.size();
    status_.generation = generation_;
    status_.inventory_observed = Oldest(facts_, clock_.Now());
  }
  states_.Publish(std::move(state));
}

Status Keeper::status() const {
  base::MutexLock lock(mutex_);
  return status_;
}

std::shared_ptr<const PolicyTexts> Keeper::good_policy() const {
  base::MutexLock lock(mutex_);
  return good_policy_;
}

base::Loaded<std::shared_ptr<const State>> LoadOnce(const KeeperOptions& options, const base::Clock& clock,
                                                    std::optional<policy::Observations> read) {
  base::Problems problems;
  DefinitionsFolder definitions(options.definitions_folder);
  definitions.Poll();
  const base::Result<std::string> text =
      options.policy_file.empty() ? std::string(policy::DefaultPolicyText()) : base::ReadFile(options.policy_file, base::kMaxYamlBytes);
  auto policy = LoadPolicyFrom(options, text, definitions);
  if (!policy) {
    problems = std::move(policy.error());
  }

  if (!read && !options.inventory_file.empty()) {
    base::WatchedFile file(options.inventory_file, kMaxInventoryBytes);
    auto registries = ReadInventory(*file.Poll(), options, clock);  // the first Poll always has something
    if (registries) {
      read.emplace().present = std::move(*registries);
    } else {
      problems.push_back(ToProblem(options.inventory_file, registries.error()));
    }
  }
  if (!problems.empty()) {
    return tl::unexpected<base::Problems>(std::move(problems));
  }
  // It also tells when requirements were last met, which driftGrace asks.
  const std::optional<SavedInventory> saved = ReadSaved(options, clock);
  auto state = std::make_shared<State>();
  state->generation = 1;
  state->policy = std::move(*policy);
  state->primed = read.has_value() || (saved && saved->complete);
  if (saved && read && options.inventory_file.empty()) {
    TakeKnownChildren(read->present, saved->facts, clock.Now());
  }
  if (saved && !read) {
    read.emplace().present = RegistriesOf(saved->facts);
  }
  policy::Observations observed = std::move(read).value_or(policy::Observations());
  state->facts = JudgeAll(std::exchange(observed.present, {}), *state->policy, saved.value_or(SavedInventory()).facts, nullptr, clock.Now(),
                          options.hidden_members);
  state->facts = Merge(std::move(state->facts), std::move(observed), *state->policy, clock.Now(), options.hidden_members);
  return state;
}

}  // namespace state
