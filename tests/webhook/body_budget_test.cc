#include "webhook/body_budget.h"

#include <gtest/gtest.h>

namespace webhook {
namespace {

TEST(BodyBudget, GivesAllOrNothing) {
  BodyBudget budget(100);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  EXPECT_TRUE(budget.Take(40));
  EXPECT_FALSE(budget.Fits(1));
  budget.Release(60);
  EXPECT_TRUE(budget.Fits(60));
  EXPECT_FALSE(budget.Fits(61));
}

TEST(BodyBudget, ZeroIsNoBound) {
  BodyBudget budget(0);
  EXPECT_TRUE(budget.Take(std::size_t{1} << 40));
  EXPECT_TRUE(budget.Fits(std::size_t{1} << 40));
}

}  // namespace
}  // namespace webhook
