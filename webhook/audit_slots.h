// How many requests to the audit API may be under way at a time, over all connections: until their answers, which are large, are written.
#pragma once

#include <atomic>
#include <cstddef>
#include <utility>

namespace webhook {

// Safe for concurrent use.
class AuditSlots {
 public:
  // A place, given back at the end of its life.
  class Slot {
   public:
    Slot() = default;
    explicit Slot(AuditSlots& slots) : slots_(&slots) {}
    Slot(Slot&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(slots_, other.slots_);
      return *this;
    }
    ~Slot() {
      if (slots_ != nullptr) {
        slots_->taken_.fetch_sub(1, std::memory_order_relaxed);
      }
    }
    explicit operator bool() const { return slots_ != nullptr; }

   private:
    AuditSlots* slots_ = nullptr;
  };

  explicit AuditSlots(std::size_t most) : most_(most) {}

  // Empty when all are taken.
  Slot Take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) >= most_) {
      taken_.fetch_sub(1, std::memory_order_relaxed);
      return {};
    }
    return Slot(*this);
  }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_{0};
};

}  // namespace webhook
