// What connections of one io thread wait for, without holding it up: fresher facts, or an answer of the audit API.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/mutex.h"

namespace webhook {

// For the thread that runs `context`. Who is asked is told only a number: an answer that comes late, twice, or when this is gone finds
// nobody.
template <class Answer>
class Waits {
 public:
  using Id = std::uint64_t;                                   // never 0, never used again
  using Resume = std::function<void(std::optional<Answer>)>;  // nothing: the time was over
  using Done = std::function<void(Answer)>;                   // any thread

  explicit Waits(boost::asio::io_context& context) : context_(context), gate_(std::make_shared<Gate>(*this)) {}
  // What was posted is not run any more: the thread has ended.
  ~Waits() { gate_->Close(); }
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;

  // Calls `ask`, which must not block, at once, and `resume` once, never from within Begin: with the first answer, or at `deadline`.
  Id Begin(std::chrono::steady_clock::time_point deadline, const std::function<void(Done)>& ask, Resume resume) {
    const Id id = next_++;
    Wait& wait = waiting_.try_emplace(id, Wait{boost::asio::steady_timer(context_, deadline), std::move(resume)}).first->second;
    wait.timer.async_wait([this, id](const boost::system::error_code& error) {
      if (!error) {
        EndOne(id, std::nullopt);
      }
    });
    ask([gate = gate_, id](Answer answer) { gate->Answered(id, std::move(answer)); });
    return id;
  }

  // Its `resume` is not called any more. Of one that has ended, or 0: does nothing.
  void Cancel(Id id) { waiting_.erase(id); }

  // The time is over for all of them.
  void EndAll() {
    for (auto& [id, wait] : std::exchange(waiting_, {})) {
      wait.resume(std::nullopt);
    }
  }

 private:
  // Where answers arrive: from any thread, and some when there is nobody behind it any more.
  class Gate {
   public:
    explicit Gate(Waits& behind) : behind_(&behind) {}

    void Answered(Id id, Answer answer) EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      if (behind_ != nullptr) {
        boost::asio::post(behind_->context_,
                          [behind = behind_, id, answer = std::move(answer)]() mutable { behind->EndOne(id, std::move(answer)); });
      }
    }

    void Close() EXCLUDES(mutex_) {
      base::MutexLock lock(mutex_);
      behind_ = nullptr;
    }

   private:
    base::Mutex mutex_;
    Waits* behind_ GUARDED_BY(mutex_);
  };

  struct Wait {
    boost::asio::steady_timer timer;
    Resume resume;
  };

  void EndOne(Id id, std::optional<Answer> answer) {
    // The timer's end and an answer may both be on their way: the second finds nothing.
    if (auto wait = waiting_.extract(id); !wait.empty()) {
      wait.mapped().resume(std::move(answer));
    }
  }

  boost::asio::io_context& context_;
  const std::shared_ptr<Gate> gate_;  // shared with every answer that may still come
  std::unordered_map<Id, Wait> waiting_;
  Id next_ = 1;
};

}  // namespace webhook
