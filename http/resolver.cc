#include "http/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>

#include <array>
#include <map>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/mutex.h"

namespace http {
namespace {

using Addresses = base::Result<std::vector<std::string>>;

bool IsAddress(const std::string& text) {
  in6_addr address{};
  return inet_pton(AF_INET, text.c_str(), &address) == 1 || inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

std::string Numeric(const addrinfo& info) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* address = nullptr;
  if (info.ai_family == AF_INET) {
    address = &reinterpret_cast<const sockaddr_in*>(info.ai_addr)->sin_addr;
  } else if (info.ai_family == AF_INET6) {
    address = &reinterpret_cast<const sockaddr_in6*>(info.ai_addr)->sin6_addr;
  }
  const bool known = address != nullptr && inet_ntop(info.ai_family, address, text.data(), text.size()) != nullptr;
  return known ? text.data() : "";
}

}  // namespace

Addresses LookUpSystem(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    return base::Fail(base::ErrorCode::kUnavailable, gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<std::string> addresses;
  for (const addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (std::string address = Numeric(*info); !address.empty()) {
      addresses.push_back(std::move(address));
    }
  }
  return addresses;
}

struct Resolver::State {
  // One look-up: filled by its thread, read by whoever waits for `done`.
  struct Pending {
    base::Event done;
    std::optional<Addresses> answer;  // written before `done` is set, under the mutex
  };

  explicit State(Lookup function) : lookup(std::move(function)) {}

  const Lookup lookup;
  base::Mutex mutex;
  std::map<std::string, std::shared_ptr<Pending>> running GUARDED_BY(mutex);
};

Resolver::Resolver(Lookup lookup) : state_(std::make_shared<State>(std::move(lookup))) {}

Addresses Resolver::Resolve(const std::string& host, const base::Until& until) {
  if (IsAddress(host)) {
    return std::vector<std::string>{host};
  }
  const std::string doing = "resolving the name " + host;
  const auto failed = [&](const std::string& why) { return base::Fail(base::ErrorCode::kUnavailable, doing + ": " + why); };

  std::shared_ptr<State::Pending> pending;
  {
    base::MutexLock lock(state_->mutex);
    if (const auto running = state_->running.find(host); running != state_->running.end()) {
      pending = running->second;
    } else {
      if (state_->running.size() >= kMaxLookups) {
        return failed("too many look-ups are waiting for an answer");
      }
      pending = std::make_shared<State::Pending>();
      try {
        std::thread([state = state_, pending, host] {
          Addresses answer = state->lookup(host);
          base::MutexLock finished(state->mutex);
          pending->answer = std::move(answer);
          state->running.erase(host);
          pending->done.Set();
        }).detach();
      } catch (const std::system_error&) {
        return failed("no thread is left");
      }
      state_->running.emplace(host, pending);  // the thread cannot have erased it yet: it needs the mutex
    }
  }
  if (const auto waited = base::WaitFor(pending->done.fd(), POLLIN, until, doing); !waited) {
    return tl::unexpected(waited.error());
  }
  base::MutexLock lock(state_->mutex);
  if (!*pending->answer) {
    return failed((*pending->answer).error().message);
  }
  return (*pending->answer)->empty() ? Addresses(failed("it has no address")) : *pending->answer;
}

}  // namespace http
