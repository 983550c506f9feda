// The fake Azure's Resource Graph: what it knows of registries, some time after Resource Manager does.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

namespace support {

// What a body that is sent to Resource Graph asks for. Only the queries that acr-admission makes are understood: all
// registries, or those of some login servers; their ids and login servers, in the order of ids.
struct GraphQuery {
  std::optional<std::vector<std::string>> login_servers;  // lower-case, sorted; all when absent
  std::vector<std::string> subscriptions;                 // lower-case
  std::vector<std::string> management_groups;
  std::size_t top = 100;
  std::size_t begin = 0;  // by the $skipToken
};

// Nothing when the body is not understood.
std::optional<GraphQuery> ReadGraphQuery(std::string_view body);

// For one thread at a time. Instants are of any one clock that never steps.
class AzureGraph {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  struct Row {
    std::string id, subscription, login_server;  // the latter two lower-case
    std::string text;                            // JSON
  };

  // From `visible` on the registry is known as this, or known no more. A later call about the same registry counts more than
  // an earlier one, whenever each becomes visible.
  void Put(const std::string& id, const std::string& subscription, const std::string& login_server, Instant visible);
  void Erase(const std::string& id, Instant visible);

  // What has become visible is taken over. To be called before Answer.
  void Settle(Instant now);

  // A page of the rows that `visible` lets through. `scope` identifies what it does: pages of one scope are selected once, until
  // Forget or a change.
  std::string Answer(const GraphQuery& query, std::size_t page_rows, const std::string& scope,
                     const std::function<bool(const Row& row)>& visible);
  void Forget() {
    selection_.clear();
    selected_for_.clear();
  }

 private:
  struct Change {
    std::uint64_t number = 0;
    std::string key;
    std::optional<Row> row;  // absent: removed
  };
  struct Known {
    std::uint64_t number = 0;  // of the change that brought it
    std::optional<Row> row;
  };

  std::uint64_t last_change_ = 0;
  std::multimap<Instant, Change> pending_;
  std::map<std::string, Known> known_;  // by lower-case id
  std::string selected_for_;
  std::vector<const Row*> selection_;
};

}  // namespace support
