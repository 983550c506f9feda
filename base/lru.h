// What was last asked for, by name, within a bound: what was not asked for longest goes first.
#pragma once

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace base {

// For one thread at a time.
template <class Value>
class Lru {
 public:
  // Never holds more than so many, nor more than that weight in all.
  explicit Lru(std::size_t max_entries, std::size_t max_weight = SIZE_MAX) : max_entries_(max_entries), max_weight_(max_weight) {}

  // Null when it is not there. Valid until the next Put or Erase.
  Value* Find(const std::string& key) {
    const auto found = index_.find(key);
    if (found == index_.end()) {
      return nullptr;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    return &found->second->value;
  }

  // In place of the one of that key. What weighs more than all may is not kept.
  void Put(const std::string& key, Value value, std::size_t weight = 0) {
    Erase(key);
    if (weight > max_weight_) {
      return;
    }
    entries_.push_front({key, std::move(value), weight});
    index_[key] = entries_.begin();
    weight_ += weight;
    while (entries_.size() > max_entries_ || weight_ > max_weight_) {
      Remove(std::prev(entries_.end()));
    }
  }

  void Erase(const std::string& key) {
    if (const auto found = index_.find(key); found != index_.end()) {
      Remove(found->second);
    }
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    Value value;
    std::size_t weight = 0;
  };
  using Entries = std::list<Entry>;

  void Remove(typename Entries::iterator entry) {
    weight_ -= entry->weight;
    index_.erase(entry->key);
    entries_.erase(entry);
  }

  std::size_t max_entries_;
  std::size_t max_weight_;
  std::size_t weight_ = 0;
  Entries entries_;  // the last one asked for is the first
  std::unordered_map<std::string, typename Entries::iterator> index_;
};

}  // namespace base
