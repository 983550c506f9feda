#include "webhook/connection_table.h"

#include <vector>

#include <gtest/gtest.h>

namespace webhook {
namespace {

class Clients {
 public:
  Clients(std::size_t most, std::size_t most_per_address) : table(most, most_per_address) {}

  // The ticket, or 0 when refused.
  ConnectionTable::Ticket Open(const std::string& address) {
    const std::size_t index = opened_++;
    const auto result = table.Open(address, [this, index] { closed.push_back(index); });
    if (const auto* refusal = std::get_if<ConnectionTable::Refusal>(&result)) {
      refused.push_back(*refusal);
      return 0;
    }
    return std::get<ConnectionTable::Ticket>(result);
  }

  ConnectionTable table;
  std::vector<std::size_t> closed;  // indices in the order of Open
  std::vector<ConnectionTable::Refusal> refused;

 private:
  std::size_t opened_ = 0;
};

TEST(ConnectionTable, AtTheCapTheOldestUnansweredMakesRoom) {
  Clients clients(3, 3);
  clients.table.Answered(clients.Open("a"));
  clients.Open("b");
  clients.Open("c");
  EXPECT_NE(clients.Open("d"), 0u);
  EXPECT_EQ(clients.closed, std::vector<std::size_t>{1});
  EXPECT_EQ(clients.table.size(), 3u);
}

TEST(ConnectionTable, AnsweredConnectionsAreNeverClosedForOthers) {
  Clients clients(2, 2);
  clients.table.Answered(clients.Open("a"));
  clients.table.Answered(clients.Open("b"));
  EXPECT_EQ(clients.Open("c"), 0u);
  EXPECT_TRUE(clients.closed.empty());
  EXPECT_EQ(clients.refused, std::vector{ConnectionTable::Refusal::kTotal});
}

TEST(ConnectionTable, WhereAllWereAnsweredTheAddressThatHoldsMostMakesRoom) {
  Clients clients(4, 3);
  for (const char* address : {"a", "b", "b", "b"}) {
    clients.table.Answered(clients.Open(address));
  }
  EXPECT_NE(clients.Open("c"), 0u);
  EXPECT_EQ(clients.closed, std::vector<std::size_t>{1}) << "the first of b's";
  EXPECT_EQ(clients.table.size(), 4u);
}

TEST(ConnectionTable, OneAddressMakesRoomOnlyAmongItsOwn) {
  Clients clients(8, 2);
  clients.Open("other");
  clients.Open("a");
  clients.Open("a");
  EXPECT_NE(clients.Open("a"), 0u);
  EXPECT_EQ(clients.closed, std::vector<std::size_t>{1});
  EXPECT_EQ(clients.table.size(), 3u);
}

TEST(ConnectionTable, OneAddressIsRefusedBeyondItsShare) {
  Clients clients(8, 2);
  clients.table.Answered(clients.Open("a"));
  clients.table.Answered(clients.Open("a"));
  EXPECT_EQ(clients.Open("a"), 0u);
  EXPECT_EQ(clients.refused, std::vector{ConnectionTable::Refusal::kAddress});
  EXPECT_NE(clients.Open("b"), 0u);
}

TEST(ConnectionTable, AClosedConnectionCountsNoLonger) {
  Clients clients(1, 1);
  const auto first = clients.Open("a");
  clients.table.Answered(first);
  clients.table.Close(first);
  EXPECT_NE(clients.Open("a"), 0u);
  clients.table.Close(first);  // its own end, after it had made room
  EXPECT_EQ(clients.table.size(), 1u);
}

}  // namespace
}  // namespace webhook
