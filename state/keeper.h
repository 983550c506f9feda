// Keeps the State: reads the policy file, the definitions folder and the inventory, judges every registry, and publishes.
//
// Threads: Start, Poll and SaveNow from one thread (the state thread), everything else from any.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mutex.h"
#include "base/problem.h"
#include "base/result.h"
#include "base/snapshot.h"
#include "policy/definition.h"
#include "policy/observations.h"
#include "policy/registry_host.h"
#include "state/definitions_folder.h"
#include "state/policy_texts.h"
#include "state/saved_inventory.h"
#include "state/state.h"

namespace state {

struct KeeperOptions {
  std::string policy_file;                       // "": the default policy
  std::string definitions_folder;                // "": the built-in definitions alone
  std::string inventory_file;                    // "": none, every ACR host is unknown that is not in the saved inventory
  std::string saved_file{};                      // "": none; else what was read last is kept there, and a start begins with it
  policy::RegistrySuffixes registry_suffixes{};  // which hosts are registries of Azure's
  policy::HiddenMembers hidden_members = policy::HiddenMembers::kAsAzure;
  bool compliance_states = false;  // Azure Policy's states are read too, and offered
};

// What went well and wrong, for /readyz, metrics and logs. A copy, taken under a mutex.
struct Status {
  bool primed = false;
  std::string policy_digest;
  std::optional<std::string> policy_problem;     // the newest file was refused; the older policy is in force
  bool policy_last_good = false;                 // and that older one is what Start was given: there was no good file since
  std::optional<std::string> inventory_problem;  // the newest file was refused; the older facts are in force
  base::Time policy_loaded{};
  base::Time inventory_observed{};  // the oldest observation there is
  std::uint64_t policy_reloads = 0, policy_failures = 0, inventory_reloads = 0, inventory_failures = 0;
  std::size_t registries = 0;
  std::uint64_t generation = 0;
};

// What a start begins with beside its own files, or where these fail it. Each is called at most once, in Start, and may block.
struct Beginnings {
  std::function<base::Result<PolicyTexts>()> last_good_policy{};      // null: there is none; else asked when the files are bad
  std::function<std::optional<SavedInventory>()> shared_inventory{};  // null: none; of this and the saved file the better is taken
  std::function<void(const policy::Facts& saved)> restored{};         // gets the one that was taken, before it is judged; may be null
};

class Keeper {
 public:
  Keeper(KeeperOptions options, const base::Clock& clock, base::Log log);

  // Loads the policy (when it is bad the last good one, and an error when there is none) and the inventory (a failure is a Status, not an
  // error: the saved inventory is used, at its true age, and without one ACR hosts are unknown), and publishes the first State.
  base::Result<void> Start(const Beginnings& beginnings = {});

  // Takes what was learned of registries. The next Poll merges it, publishes, and calls `merged` (which may be null). Does
  // not block.
  void Offer(policy::Observations learned, std::function<void()> merged) EXCLUDES(inbox_mutex_);

  // Takes an inventory that was saved elsewhere, where it is later than what is known. Otherwise as above.
  void OfferSaved(SavedInventory saved) EXCLUDES(inbox_mutex_);

  // Looks whether any file changed or anything was offered, and publishes a new State when so. A bad file is reported once, by the `log`
  // function, and the old content stays in force. Cheap when nothing changed.
  void Poll();
  // Saves what was offered since the last time. For the end of the program, on the state thread or when there is none any more.
  void SaveNow();

  const base::Snapshot<State>& states() const { return states_; }
  Status status() const EXCLUDES(mutex_);
  // What the policy in force was loaded from: another object whenever one comes into force. Null while the newest files are refused.
  std::shared_ptr<const PolicyTexts> good_policy() const EXCLUDES(mutex_);

 private:
  struct Offered {
    policy::Observations learned{};
    std::function<void()> merged{};
    std::optional<SavedInventory> saved{};
  };

  // True when there is a new policy. A bad one is an error, and whatever was in force stays.
  base::Result<bool> ReloadPolicy() EXCLUDES(mutex_);
  // In place of files that were refused for `problem`. An error has both reasons.
  base::Result<void> UseLastGoodPolicy(const Beginnings& beginnings, const base::Error& problem) EXCLUDES(mutex_);
  PolicyTexts TextsInForce() const;
  // The registries of a file that changed and could be read; none otherwise.
  std::optional<std::vector<policy::Registry>> ReloadInventory() EXCLUDES(mutex_);
  // Begins with the saved inventory, or with that which the replicas share.
  void RestoreSaved(const Beginnings& beginnings) EXCLUDES(mutex_);
  // The saved file's; a damaged one is set aside, with a message, and never used.
  std::optional<SavedInventory> TakeSavedFile();
  void Save();
  void SaveWhenDue();
  // Judges `fresh`, or what is known already.
  policy::Facts Judge(std::optional<std::vector<policy::Registry>> fresh, const policy::Policy* previous_policy) const;
  std::vector<Offered> TakeOffers() EXCLUDES(inbox_mutex_);
  void Publish(policy::Facts facts) EXCLUDES(mutex_);

  const KeeperOptions options_;
  const base::Clock& clock_;
  const base::Log log_;

  // The state thread's own.
  base::WatchedFile policy_file_;
  DefinitionsFolder definitions_;
  base::WatchedFile inventory_file_;
  base::Result<std::string> policy_text_;  // of the newest file, good or bad
  std::shared_ptr<const policy::Policy> policy_;
  policy::Facts facts_;
  bool primed_ = false;
  std::uint64_t generation_ = 0;
  std::chrono::steady_clock::time_point judged_at_{};                   // when every registry was judged last
  std::optional<std::chrono::steady_clock::time_point> unsaved_since_;  // what was offered, and is not saved yet

  base::Snapshot<State> states_;
  mutable base::Mutex mutex_;
  Status status_ GUARDED_BY(mutex_);
  std::shared_ptr<const PolicyTexts> good_policy_ GUARDED_BY(mutex_);
  base::Mutex inbox_mutex_;
  std::vector<Offered> inbox_ GUARDED_BY(inbox_mutex_);
};

// One-shot: what the commands `check`, `registries` and `explain` need, from files. Every problem at once. Without an
// inventory file the saved inventory is the inventory, at its true age; one that is damaged is none.
// `read` is what was read elsewhere: its registries are the inventory then.
base::Loaded<std::shared_ptr<const State>> LoadOnce(const KeeperOptions& options, const base::Clock& clock,
                                                    std::optional<policy::Observations> read = std::nullopt);

}  // namespace state
