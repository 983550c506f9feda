// Keeps tokens until they are due. One caller refreshes; the others use the token they have.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "azure/credential.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace azure {

// Safe for concurrent use.
class TokenCache {
 public:
  // `clock` must outlive it.
  TokenCache(std::unique_ptr<TokenSource> source, const base::Clock& clock);

  // A token that is valid for at least a minute more. While the cached one is, only one caller at a time goes for a new
  // one, none in haste does, and the rest do not wait; without one, callers wait for the one that does. A failed exchange
  // is not repeated within a back-off of 1 s that doubles up to a minute: its error is returned again.
  base::Result<Token> Get(const std::string& scope, std::chrono::milliseconds deadline) EXCLUDES(mutex_);

  // Azure refused this token (401): the next Get fetches a new one. Nothing happens when it was replaced already, or when
  // another was refused within the last half minute: then it is not the token that is wrong.
  void Invalidate(const std::string& scope, const std::string& token_value) EXCLUDES(mutex_);

  std::string Describe() const { return source_->Describe(); }

 private:
  using Instant = std::chrono::steady_clock::time_point;

  struct Entry {
    std::optional<Token> token;
    Instant expires;  // as in `token`, told by the clock that never steps
    Instant refresh;
    bool fetching = false;
    std::optional<base::Error> failure;  // the last exchange's
    Instant retry;                       // none before it, while there is a failure
    std::chrono::milliseconds back_off{0};
    std::optional<Instant> invalidated;
  };

  bool IsUsable(const Entry& entry) const;
  bool IsDue(const Entry& entry) const;

  // The answer as far as it is known at `until`, or nothing: the caller is the one that fetches, and then has to Store.
  std::optional<base::Result<Token>> TakeTurn(const std::string& scope, Instant until, bool in_haste) EXCLUDES(mutex_);
  base::Result<Token> Store(const std::string& scope, base::Result<Token> fetched, bool out_of_time) EXCLUDES(mutex_);

  const std::unique_ptr<TokenSource> source_;
  const base::Clock& clock_;
  base::Mutex mutex_;
  base::CondVar fetched_;
  std::map<std::string, Entry> entries_ GUARDED_BY(mutex_);  // by scope; entries stay
};

}  // namespace azure
