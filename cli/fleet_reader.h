// The logs of all replicas of a cluster, read as one. Every address of the headless Service is a replica; each is asked over HTTPS, all
// at a time, and audit/merge.h makes one page of what they answer. Whoever does not answer is named, and the others' records are shown.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audit/merge.h"
#include "audit/reader.h"
#include "base/clock.h"
#include "base/result.h"
#include "cli/replica_clients.h"

namespace cli {

// Of more addresses, the rest is named in `incomplete`.
inline constexpr std::size_t kMaxReplicas = 64;

// For everything that a question takes: name, connections, answers.
inline constexpr std::chrono::milliseconds kFleetDeadline{3000};

// What all answers to a question may come to: each replica has its share of it.
inline constexpr std::size_t kMaxFleetBytes = std::size_t{32} << 20;
inline constexpr std::int64_t kMaxFleetRows = 4000;

// Of a replica that is new, --follow reads what is not older than its own beginning less this: clocks differ.
inline constexpr std::chrono::minutes kNewLogSlack{1};

// The log of the replica that asks, which is read without its network.
struct OwnLog {
  std::unique_ptr<audit::Reader> reader;                       // null: there is none, as in a command
  std::function<bool(const std::string& address)> is_address;  // whether that is this replica
};

class FleetReader final : public audit::Reader {
 public:
  struct World {
    // The replicas' addresses, numeric. Blocks for the deadline at most.
    std::function<base::Result<std::vector<std::string>>(std::chrono::milliseconds deadline)> find;
    ReplicaClients& clients;
    const base::Clock& clock;
    std::chrono::milliseconds deadline = kFleetDeadline;
  };

  // What `world` refers to must outlive it.
  explicit FleetReader(World world, OwnLog own = {});

  // Errors: a cursor that is none (kInvalidArgument), and when no replica answers at all.
  base::Result<audit::Page> Read(const audit::Query& query) override;
  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override;
  base::Result<std::string> End() override;

 private:
  struct Round;

  base::Result<Round> Begin(std::int64_t limit);
  // The place in each different log; whoever tells none, or one that another tells too, is no member of the round any more.
  base::Result<audit::MergeCursor> Newest(Round& round);

  const World world_;
  const OwnLog own_;
  std::map<std::string, std::string> logs_;  // by address, as they answered last
};

}  // namespace cli
