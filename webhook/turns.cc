#include "webhook/turns.h"

#include <utility>

#include <boost/asio/post.hpp>

namespace webhook {

void Turns::Add(std::function<void()> work) {
  waiting_.push_back(std::move(work));
  if (waiting_.size() == 1) {
    Post();
  }
}

// Behind all that the loop has found ready by then.
void Turns::Post() {
  boost::asio::post(context_, [this] { Next(); });
}

void Turns::Next() {
  const std::function<void()> work = std::move(waiting_.front());
  waiting_.pop_front();
  if (!waiting_.empty()) {
    Post();
  }
  work();
}

}  // namespace webhook
