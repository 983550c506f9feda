// Who may connect: a cap on all connections and on those of one address. Connections that have had a review answered are
// safe from those that have not: at the cap the oldest of the latter makes room, and where there is none, the oldest of
// whichever address holds most.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <variant>

#include "base/mutex.h"

namespace webhook {

// Safe for concurrent use. Nothing here is on the way of a request but a connection's first answer.
class ConnectionTable {
 public:
  using Ticket = std::uint64_t;
  enum class Refusal { kTotal, kAddress };

  ConnectionTable(std::size_t most, std::size_t most_per_address) : most_(most), most_per_address_(most_per_address) {}

  // `close` is called at most once, without the lock, by whichever thread opens the connection that needs the room; its
  // connection counts no longer by then. Refused when every connection that could make room has had an answer.
  std::variant<Ticket, Refusal> Open(const std::string& address, std::function<void()> close) EXCLUDES(mutex_);
  void Answered(Ticket ticket) EXCLUDES(mutex_);
  void Close(Ticket ticket) EXCLUDES(mutex_);  // of one that made room: does nothing

  std::size_t size() const EXCLUDES(mutex_);

 private:
  struct Entry {
    std::string address;
    std::function<void()> close;
    bool answered = false;
  };

  // Removes the oldest that has had no answer (of that address, unless null) and returns how it is closed; null: there is none.
  std::function<void()> MakeRoom(const std::string* address) REQUIRES(mutex_);
  // Where all have had an answer: the oldest of the address that holds most, if that is more than the newcomer's would. Else
  // four addresses that each once had an answer could keep everybody out.
  std::function<void()> MakeRoomOfTheLargest(std::size_t newcomer) REQUIRES(mutex_);
  void Remove(std::map<Ticket, Entry>::iterator entry) REQUIRES(mutex_);

  const std::size_t most_;
  const std::size_t most_per_address_;
  mutable base::Mutex mutex_;
  Ticket next_ GUARDED_BY(mutex_) = 1;
  std::map<Ticket, Entry> entries_ GUARDED_BY(mutex_);  // oldest first
  std::unordered_map<std::string, std::size_t> by_address_ GUARDED_BY(mutex_);
};

}  // namespace webhook
