#include "webhook/confirmations.h"

#include <utility>

#include <boost/asio/post.hpp>

#include "base/mutex.h"

namespace webhook {

namespace asio = boost::asio;

// Where answers arrive: from any thread, and some when there is nobody behind it any more.
class Confirmations::Gate {
 public:
  explicit Gate(Confirmations& behind) : behind_(&behind) {}

  void Answered(Id id) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    if (behind_ != nullptr) {
      asio::post(behind_->context_, [behind = behind_, id] { behind->EndOne(id, End::kAnswered); });
    }
  }

  void Close() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    behind_ = nullptr;
  }

 private:
  base::Mutex mutex_;
  Confirmations* behind_ GUARDED_BY(mutex_);
};

Confirmations::Confirmations(asio::io_context& context, const Freshen& freshen)
    : context_(context), freshen_(freshen), gate_(std::make_shared<Gate>(*this)) {}

// What was posted is not run any more: the thread has ended.
Confirmations::~Confirmations() { gate_->Close(); }

Confirmations::Id Confirmations::Begin(std::vector<std::string> login_servers, std::chrono::steady_clock::time_point deadline,
                                       Resume resume) {
  const Id id = next_++;
  Wait& wait = waiting_.try_emplace(id, Wait{asio::steady_timer(context_, deadline), std::move(resume)}).first->second;
  wait.timer.async_wait([this, id](const boost::system::error_code& error) {
    if (!error) {
      EndOne(id, End::kOver);
    }
  });
  freshen_(std::move(login_servers), deadline, [gate = gate_, id] { gate->Answered(id); });
  return id;
}

void Confirmations::EndAll() {
  for (auto& [id, wait] : std::exchange(waiting_, {})) {
    wait.resume(End::kOver);
  }
}

void Confirmations::EndOne(Id id, End end) {
  // The timer's end and an answer may both be on their way: the second finds nothing.
  if (auto wait = waiting_.extract(id); !wait.empty()) {
    wait.mapped().resume(end);
  }
}

}  // namespace webhook
