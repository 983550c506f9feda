// How often memory is asked for while an admission is decided: what is not needed comes back unseen otherwise.
#include <atomic>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/support/admission_world.h"
#include "tests/support/fake_clock.h"
#include "webhook/handler.h"

namespace {

std::atomic<std::size_t> allocations{0};  // of this program, which has no other test

void* Take(std::size_t size) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  return std::malloc(size == 0 ? 1 : size);
}

void* Allocate(std::size_t size) {
  if (void* memory = Take(size)) {
    return memory;
  }
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Take(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Take(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace webhook {
namespace {

class AllocationTest : public ::testing::Test {
 protected:
  // Of the second admission: the first sizes what is kept.
  std::size_t Count(const std::string& review, const HandlerOptions& options) {
    Handler handler(options, clock_, [](base::LogLevel, std::string_view) {}, metrics_.AddShard());
    std::size_t before = 0;
    for (int i = 0; i < 2; ++i) {
      std::string body = review;
      body.reserve(body.size() + kBodyPadding);
      before = allocations;
      const Outcome outcome = handler.Handle(*state_, body, {"10.1.2.3", ""}, Denial::kFinal);
      before = allocations - before;
      EXPECT_EQ(outcome.status, 200U);
    }
    return before;
  }

  support::FakeClock clock_;
  Metrics metrics_{""};
  const std::shared_ptr<const state::State> state_ = support::DefaultState();
  const HandlerOptions recorded_{"prod-weu", "replica-1", true, true};
  const HandlerOptions not_recorded_{"prod-weu", "replica-1", false, false};
};

// The list of images and that of their decisions, the reference's two parts, its login server and the decision's copy of it, the findings,
// and the answer with its annotation.
TEST_F(AllocationTest, AnAllowedPodTakesElevenPieces) {
  EXPECT_LE(Count(support::PodReview("uid-1", support::kCompliantImage), not_recorded_), 11U);
}

TEST_F(AllocationTest, EachFurtherImageTakesFewAndNothingThatGrows) {
  const auto of = [&](std::size_t images) {
    return Count(support::PodReview("uid-1", std::vector<std::string>(images, support::kCompliantImage)), not_recorded_);
  };
  EXPECT_LE(of(1'000) - of(100), 900U * 6);
}

TEST_F(AllocationTest, ARecordTakesThirtyMore) {
  const std::string review = support::PodReview("uid-1", support::kCompliantImage);
  EXPECT_LE(Count(review, recorded_), Count(review, not_recorded_) + 30);
}

// Most of it is the message, which a person reads.
TEST_F(AllocationTest, ADenialTakesLessThanTwoHundred) {
  EXPECT_LT(Count(support::PodReview("uid-1", support::kNonCompliantImage), not_recorded_), 200U);
}

TEST_F(AllocationTest, TheSizeOfAReviewDoesNotMatter) {
  std::string review = support::PodReview("uid-1", support::kCompliantImage);
  const std::size_t small = Count(review, not_recorded_);
  std::string annotations;
  for (int i = 0; i < 5'000; ++i) {
    annotations += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":\"value\"";
  }
  const std::size_t metadata = review.find("\"metadata\":{");
  ASSERT_NE(metadata, std::string::npos);
  const std::size_t inside = metadata + std::string("\"metadata\":{").size();
  review.insert(inside, "\"annotations\":{" + annotations + (review[inside] == '}' ? "}" : "},"));
  EXPECT_LE(Count(review, not_recorded_), small);
}

}  // namespace
}  // namespace webhook
