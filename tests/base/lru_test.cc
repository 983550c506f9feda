#include "base/lru.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Lru, WhatWasNotAskedForLongestGoesFirst) {
  Lru<int> lru(2);
  lru.Put("a", 1);
  lru.Put("b", 2);
  ASSERT_NE(lru.Find("a"), nullptr);
  lru.Put("c", 3);
  EXPECT_EQ(lru.Find("b"), nullptr);
  ASSERT_NE(lru.Find("a"), nullptr);
  EXPECT_EQ(*lru.Find("a"), 1);
  EXPECT_EQ(*lru.Find("c"), 3);
  EXPECT_EQ(lru.size(), 2U);
}

TEST(Lru, OneOfTheSameKeyTakesThePlace) {
  Lru<int> lru(2);
  lru.Put("a", 1);
  lru.Put("b", 2);
  lru.Put("a", 3);
  EXPECT_EQ(*lru.Find("a"), 3);
  EXPECT_NE(lru.Find("b"), nullptr);
  lru.Erase("a");
  lru.Erase("never");
  EXPECT_EQ(lru.Find("a"), nullptr);
  EXPECT_EQ(lru.size(), 1U);
}

TEST(Lru, HoldsNoMoreThanItsWeight) {
  Lru<int> lru(100, 10);
  lru.Put("a", 1, 6);
  lru.Put("b", 2, 4);
  EXPECT_EQ(lru.size(), 2U);
  lru.Put("c", 3, 1);
  EXPECT_EQ(lru.Find("a"), nullptr);
  EXPECT_EQ(lru.size(), 2U);
  lru.Put("b", 4, 9);
  EXPECT_EQ(lru.size(), 2U) << "the old weight of b counts no more";
  lru.Put("d", 5, 11);
  EXPECT_EQ(lru.Find("d"), nullptr);
  EXPECT_EQ(lru.size(), 2U) << "what is never kept pushes nothing out";
}

}  // namespace
}  // namespace base
