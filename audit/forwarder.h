// Brings committed rows to PostgreSQL, in the order of commits, from a saved cursor on. At least once, and there once: a row that is sent
// again, because a process died before its cursor was saved, is known by its log and number.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "audit/postgresql.h"
#include "audit/store.h"
#include "base/clock.h"
#include "base/result.h"

namespace audit {

// For one thread.
class Forwarder {
 public:
  static constexpr const char* kConsumer = "postgresql";  // for StoreOptions::waits_for
  static constexpr std::size_t kBatchRows = 500;
  static constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

  // At most, whatever a server does. The server itself gives up a little earlier, so that nothing of ours goes on there.
  static constexpr std::chrono::seconds kConnectTime{10};
  static constexpr std::chrono::seconds kBatchTime{30};

  // Partitions ahead, and what retention drops, are looked at this often.
  static constexpr std::chrono::minutes kUpkeepInterval{10};

  // The store and the clock must outlive it.
  Forwarder(Store& store, postgresql::Server server, postgresql::Resolve resolve, const base::Clock& clock);

  struct Sent {
    std::size_t rows = 0;
    bool more = false;        // there may be more rows: call again
    std::size_t refused = 0;  // a row that the server will never take, and that was left out
    std::string refusal;      // why
  };
  // Sends one batch. No row is passed over for an error: the next call begins with the same. Ends with an error when `until` is over.
  base::Result<Sent> Pump(const base::Until& until);

  // What is not in order beside the sending of rows: partitions and retention.
  const std::optional<std::string>& upkeep_problem() const { return upkeep_problem_; }

 private:
  using Day = std::chrono::sys_days;

  base::Result<void> Connect(const base::Until& until);
  postgresql::Outcome<void> MakePartitions(const std::set<Day>& days, const base::Until& until);
  postgresql::Outcome<void> Insert(const Store::Rows& rows, const base::Until& until);
  void Upkeep(const base::Until& until);
  void NoteUpkeep(const postgresql::Failure& failure);

  Store& store_;
  const postgresql::Server server_;
  const postgresql::Resolve resolve_;
  const base::Clock& clock_;
  std::optional<postgresql::Connection> connection_;
  std::optional<std::int64_t> cursor_;
  std::size_t batch_rows_ = kBatchRows;  // fewer while one of them is refused
  std::set<Day> partitions_;             // known to be there, or not to be made
  std::chrono::steady_clock::time_point next_upkeep_{};
  std::optional<std::string> upkeep_problem_;
};

}  // namespace audit
