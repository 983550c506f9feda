// Work that can wait for requests: a piece of it each turn of an io thread's loop.
#pragma once

#include <deque>
#include <functional>

#include <boost/asio/io_context.hpp>

namespace webhook {

// For the thread that runs `context`. What has become ready meanwhile goes between two pieces: however many there are, a request waits for
// the one that runs when it arrives, and one more.
class Turns {
 public:
  explicit Turns(boost::asio::io_context& context) : context_(context) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // `work` is called in a later turn, in the order of Add. It may Add, and must not throw.
  void Add(std::function<void()> work);
  bool empty() const { return waiting_.empty(); }

 private:
  void Post();
  void Next();

  boost::asio::io_context& context_;
  std::deque<std::function<void()>> waiting_;
};

}  // namespace webhook
