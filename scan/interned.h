// Values that many share, each kept once and for as long as somebody refers to it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace scan {

using Id = std::uint32_t;  // a value's place; another value's once it was given back

// Value is compared by ==. One thread at a time. Values stay where they are until they are given back.
template <class Value, class Hash = std::hash<Value>>
class Interned {
 public:
  struct Acquired {
    Id id = 0;
    bool added = false;  // it was not there
  };

  // One more reference to `value`.
  Acquired Acquire(Value value) {
    const std::size_t hash = Hash()(value);
    if (const std::optional<Id> known = Find(hash, value)) {
      ++slots_[*known].references;
      return {*known, false};
    }
    Id id = 0;
    if (free_.empty()) {
      id = static_cast<Id>(slots_.size());
      slots_.emplace_back();
    } else {
      id = free_.back();
      free_.pop_back();
    }
    slots_[id] = {std::move(value), 1};
    by_hash_.emplace(hash, id);
    return {id, true};
  }

  // One reference less. The value itself when that was the last: what it refers to is the caller's to give back.
  std::optional<Value> Release(Id id) {
    Slot& slot = slots_[id];
    if (--slot.references > 0) {
      return std::nullopt;
    }
    const auto [begin, end] = by_hash_.equal_range(Hash()(slot.value));
    for (auto entry = begin; entry != end; ++entry) {
      if (entry->second == id) {
        by_hash_.erase(entry);
        break;
      }
    }
    free_.push_back(id);
    return std::exchange(slot.value, Value());
  }

  std::optional<Id> Find(const Value& value) const { return Find(Hash()(value), value); }
  const Value& operator[](Id id) const { return slots_[id].value; }
  std::size_t References(Id id) const { return slots_[id].references; }
  std::size_t size() const { return slots_.size() - free_.size(); }

  // fn(id, value, references), in no order.
  template <class Function>
  void ForEach(const Function& function) const {
    for (Id id = 0; id < slots_.size(); ++id) {
      if (slots_[id].references > 0) {
        function(id, slots_[id].value, slots_[id].references);
      }
    }
  }

 private:
  struct Slot {
    Value value{};
    std::size_t references = 0;
  };

  std::optional<Id> Find(std::size_t hash, const Value& value) const {
    const auto [begin, end] = by_hash_.equal_range(hash);
    for (auto entry = begin; entry != end; ++entry) {
      if (slots_[entry->second].value == value) {
        return entry->second;
      }
    }
    return std::nullopt;
  }

  std::deque<Slot> slots_;
  std::vector<Id> free_;
  std::unordered_multimap<std::size_t, Id> by_hash_;
};

}  // namespace scan
