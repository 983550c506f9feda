// Names to addresses, within a deadline: getaddrinfo has none, and may block for half a minute when a name server is away.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/wait.h"

namespace http {

// Numeric addresses in the order in which to try them. May block; called from several threads.
using Lookup = std::function<base::Result<std::vector<std::string>>(const std::string& host)>;

// By getaddrinfo, so by /etc/hosts, search domains and all.
base::Result<std::vector<std::string>> LookUpSystem(const std::string& host);

// At most this many names are looked up at a time: beyond it, name resolution hangs, and more threads do not help.
inline constexpr std::size_t kMaxLookups = 16;

// Each look-up has a thread of its own, shared by all who ask for that name meanwhile. Who has waited enough goes; the
// thread ends when its look-up does, touches nothing but what it owns, and may outlive the Resolver.
class Resolver {
 public:
  explicit Resolver(Lookup lookup);

  // `host` may be an address already. Never an empty list. Safe for concurrent use.
  base::Result<std::vector<std::string>> Resolve(const std::string& host, const base::Until& until);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace http
