// Whether the holder of a bearer token may do something: kube/reviews.h asked no more often than is needed, and never more often
// than is bounded, whoever asks. Whoever reaches the port can send tokens and, with any token at all, ask for anything: each number
// here says what that may cost the API server and us.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/lru.h"
#include "base/mutex.h"
#include "base/token_bucket.h"
#include "kube/api.h"
#include "kube/reviews.h"

namespace kube {

// For one Review, waiting for others included: kubectl and browsers wait longer, and our callers have few threads.
inline constexpr std::chrono::milliseconds kReviewDeadline = std::chrono::seconds(3);

// How long answers are believed. A token that is revoked or a role that is taken away goes on for as long; what is granted is seen
// after the shorter ones. The API server itself keeps what webhooks tell it for 2 min (tokens) and up to 5 min (allowed).
inline constexpr std::chrono::seconds kHolderFor{60};
inline constexpr std::chrono::seconds kNobodyFor{30};
inline constexpr std::chrono::seconds kAllowedFor{30};
inline constexpr std::chrono::seconds kForbiddenFor{5};
// After a failure the API server is left alone: enough to keep threads free, too short to be noticed by who tries again.
inline constexpr std::chrono::seconds kFailureFor{1};

// Tokens that were not good at their last look: reviews of so many at once, and then one every kStrangerRefill, 10 a second. People
// come one at a time; the API server answers hundreds a second to each client.
inline constexpr int kStrangerBurst = 40;
inline constexpr std::chrono::milliseconds kStrangerRefill{100};
// Permissions of one user, all tokens of that user's together: a page of a dashboard asks for a few namespaces.
inline constexpr int kAccessBurst = 20;
inline constexpr std::chrono::milliseconds kAccessRefill{200};

// Tokens that are nobody's: all that can be learned within kNobodyFor, so that none of them is ever asked about sooner.
inline constexpr std::size_t kMaxNobodies = 512;
static_assert(kMaxNobodies >= kStrangerBurst + std::chrono::milliseconds(kNobodyFor) / kStrangerRefill);
// Tokens that are somebody's: a cluster has fewer people and services that read an audit log. In bytes too, since users may be in
// thousands of groups: a thousand users of 100 groups, but none that alone takes more than an eighth. Who does is never kept, and so
// is a stranger each time.
inline constexpr std::size_t kMaxHolders = 1000;
inline constexpr std::size_t kMaxHolderBytes = std::size_t{4} << 20;
inline constexpr std::size_t kMaxUserBytes = kMaxHolderBytes / 8;
// A holder is remembered beyond kHolderFor, and its token reviewed again without counting as a stranger's, for as long as the token
// of a service account lives by default.
inline constexpr std::chrono::hours kRememberedFor{1};
// Permissions kept of one holder: who asks for more namespaces in turn is only asked about more often.
inline constexpr std::size_t kMaxAnswersOfHolder = 64;

struct Authorization {
  enum class Kind {
    kAllowed,
    kForbidden,        // somebody's token, but without the permission
    kUnauthenticated,  // nobody's token, or none
    kUnknown,          // the API server did not tell: it may later
    kTooMany,          // not asked, for one of the limits here
  };
  Kind kind = Kind::kUnknown;
  std::string user;    // "" where it is not known
  std::string reason;  // for people; of kUnknown for the operator's log, since it says what the API server refuses us. Never a token.
};

// Safe for concurrent use. Keeps digests of tokens, never one of them.
class Authorizer {
 public:
  // `api` and `clock` must outlive it.
  Authorizer(Api& api, const base::Clock& clock) : api_(api), clock_(clock) {}

  // Whether the holder of `token` may. Blocks for at most the deadline. `request` is of a resource; its namespace "" means all
  // namespaces, and whoever may do it in all of them may in each.
  Authorization Review(const std::string& token, const AccessRequest& request, std::chrono::milliseconds deadline = kReviewDeadline)
      EXCLUDES(mutex_);

  struct Counters {
    std::uint64_t token_reviews = 0, access_reviews = 0;  // that were sent
    std::uint64_t failures = 0;                           // of them
    std::uint64_t limited = 0;                            // kTooMany
    std::size_t holders = 0, nobodies = 0;                // held now
  };
  Counters counters() const EXCLUDES(mutex_);

 private:
  using Instant = std::chrono::steady_clock::time_point;

  struct Answer {
    bool allowed = false;
    std::string reason;
    Instant until{};
  };
  struct Holder {
    User user;
    Instant fresh_until{}, remembered_until{};
    base::Lru<Answer> answers{kMaxAnswersOfHolder};  // by what was asked
  };

  // The user whose token it is, or what ends the review.
  tl::expected<User, Authorization> Identify(const std::string& token, const std::string& digest, Instant until) EXCLUDES(mutex_);
  Authorization Permit(const User& user, const std::string& digest, const AccessRequest& request, Instant until) EXCLUDES(mutex_);

  // What is known of a question; nothing: ask.
  std::optional<tl::expected<User, Authorization>> KnownHolder(const std::string& digest) REQUIRES(mutex_);
  std::optional<Authorization> KnownAnswer(const User& user, const std::string& digest, const AccessRequest& request) REQUIRES(mutex_);

  // Waits while somebody else asks the API server the same: true, then look again what is known. False: it is the caller's turn, or
  // `until` is over.
  bool AwaitOthers(const std::string& question, Instant until) REQUIRES(mutex_);
  // Why the API server is not asked now. Nothing: ask it, and then call Ended. `limit` may be null.
  std::optional<Authorization> Begin(const std::string& question, base::TokenBucket* limit, Instant until) REQUIRES(mutex_);
  void Ended(const std::string& question) REQUIRES(mutex_);
  void Ended(const std::string& question, const ApiError& error, std::string failure) REQUIRES(mutex_);

  void Keep(const std::string& digest, const std::optional<User>& user) REQUIRES(mutex_);
  base::TokenBucket& AccessLimit(const std::string& user) REQUIRES(mutex_);
  bool IsOver(const std::string& token) const;

  Api& api_;
  const base::Clock& clock_;

  mutable base::Mutex mutex_;
  base::CondVar ended_;
  base::Lru<Holder> holders_ GUARDED_BY(mutex_){kMaxHolders, kMaxHolderBytes};  // by digest
  base::Lru<Instant> nobodies_ GUARDED_BY(mutex_){kMaxNobodies};                // by digest: believed until then
  base::TokenBucket strangers_ GUARDED_BY(mutex_){kStrangerBurst, kStrangerRefill};
  base::Lru<base::TokenBucket> access_limits_ GUARDED_BY(mutex_){kMaxHolders};  // by digest of the user's name
  std::set<std::string> asking_ GUARDED_BY(mutex_);                             // questions; one a thread of our callers' at most

  // While the API server fails, one thread at a time tries it; the others say so at once.
  std::string failure_ GUARDED_BY(mutex_);  // "" while it does not
  Instant retry_ GUARDED_BY(mutex_){};
  bool trying_ GUARDED_BY(mutex_) = false;

  Counters counters_ GUARDED_BY(mutex_);
};

}  // namespace kube
