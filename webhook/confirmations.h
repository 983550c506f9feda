// The denials of one io thread that wait for fresher facts.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "webhook/server.h"

namespace webhook {

// For the thread that runs `context`. An answer that comes when this is gone is ignored.
class Confirmations {
 public:
  using Id = std::uint64_t;  // never 0, never used again
  enum class End {
    kAnswered,  // what can be learned is published
    kOver,      // the time is
  };
  using Resume = std::function<void(End)>;

  // Both must outlive it; `freshen` may be null if nothing is ever begun.
  Confirmations(boost::asio::io_context& context, const Freshen& freshen);
  ~Confirmations();
  Confirmations(const Confirmations&) = delete;
  Confirmations& operator=(const Confirmations&) = delete;

  // Asks for fresher facts. Calls `resume` once, never from within Begin, when they are there or at `deadline`.
  Id Begin(std::vector<std::string> login_servers, std::chrono::steady_clock::time_point deadline, Resume resume);
  // Its `resume` is not called any more. Of one that has ended, or 0: does nothing.
  void Cancel(Id id) { waiting_.erase(id); }
  // The time is over for all of them.
  void EndAll();

 private:
  class Gate;
  struct Wait {
    boost::asio::steady_timer timer;
    Resume resume;
  };

  void EndOne(Id id, End end);

  boost::asio::io_context& context_;
  const Freshen& freshen_;
  const std::shared_ptr<Gate> gate_;  // shared with every answer that may still come
  std::unordered_map<Id, Wait> waiting_;
  Id next_ = 1;
};

}  // namespace webhook
