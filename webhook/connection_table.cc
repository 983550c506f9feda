#include "webhook/connection_table.h"

#include <algorithm>

#include <utility>

namespace webhook {

std::variant<ConnectionTable::Ticket, ConnectionTable::Refusal> ConnectionTable::Open(const std::string& address,
                                                                                      std::function<void()> close) {
  std::function<void()> evict;
  Ticket ticket = 0;
  {
    base::MutexLock lock(mutex_);
    const auto held = by_address_.find(address);
    if (held != by_address_.end() && held->second >= most_per_address_) {
      evict = MakeRoom(&address);
      if (!evict) {
        return Refusal::kAddress;
      }
    } else if (entries_.size() >= most_) {
      evict = MakeRoom(nullptr);
      if (!evict) {
        evict = MakeRoomOfTheLargest(held == by_address_.end() ? 0 : held->second);
      }
      if (!evict) {
        return Refusal::kTotal;
      }
    }
    ticket = next_++;
    entries_.emplace_hint(entries_.end(), ticket, Entry{address, std::move(close)});
    ++by_address_[address];
  }
  if (evict) {
    evict();
  }
  return ticket;
}

void ConnectionTable::Answered(Ticket ticket) {
  base::MutexLock lock(mutex_);
  if (const auto entry = entries_.find(ticket); entry != entries_.end()) {
    entry->second.answered = true;
  }
}

void ConnectionTable::Close(Ticket ticket) {
  base::MutexLock lock(mutex_);
  if (const auto entry = entries_.find(ticket); entry != entries_.end()) {
    Remove(entry);
  }
}

std::size_t ConnectionTable::size() const {
  base::MutexLock lock(mutex_);
  return entries_.size();
}

std::function<void()> ConnectionTable::MakeRoom(const std::string* address) {
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
    if (!entry->second.answered && (address == nullptr || entry->second.address == *address)) {
      auto close = std::move(entry->second.close);
      Remove(entry);
      return close;
    }
  }
  return nullptr;
}

std::function<void()> ConnectionTable::MakeRoomOfTheLargest(std::size_t newcomer) {
  const auto largest =
      std::max_element(by_address_.begin(), by_address_.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (largest == by_address_.end() || largest->second < newcomer + 2) {
    return nullptr;
  }
  const std::string& address = largest->first;
  const auto oldest = std::find_if(entries_.begin(), entries_.end(), [&](const auto& entry) { return entry.second.address == address; });
  auto close = std::move(oldest->second.close);
  Remove(oldest);
  return close;
}

void ConnectionTable::Remove(std::map<Ticket, Entry>::iterator entry) {
  const auto held = by_address_.find(entry->second.address);
  if (--held->second == 0) {
    by_address_.erase(held);
  }
  entries_.erase(entry);
}

}  // namespace webhook
