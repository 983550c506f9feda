#include "kube/authorizer.h"

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "kube/token_expiry.h"

namespace kube {
namespace {

using Kind = Authorization::Kind;
using std::chrono::milliseconds;

// Within a message.
constexpr std::size_t kMaxUserNameBytes = 253;

// Of what an entry takes beside the texts of its user.
constexpr std::size_t kHolderBytes = 1024;

std::size_t BytesOf(const User& user) {
  const auto add = [](std::size_t sum, const std::string& text) { return sum + sizeof(text) + text.size(); };
  std::size_t bytes = kHolderBytes + user.name.size() + user.uid.size();
  for (const std::string& group : user.groups) {
    bytes = add(bytes, group);
  }
  for (const auto& [key, values] : user.extra) {
    bytes = add(bytes, key);
    for (const std::string& value : values) {
      bytes = add(bytes, value);
    }
  }
  return bytes;
}

// In the order and with the separators that make it one text for one thing: none of them may hold a line break.
std::string AccessOf(const AccessRequest& request, const std::string& namespace_name) {
  return request.verb + "\n" + request.resource.group + "\n" + request.resource.resource + "\n" + namespace_name + "\n" + request.name;
}

std::string Where(const AccessRequest& request) {
  return Describe(request.resource) + (request.resource.namespace_name.empty() ? " in all namespaces" : "");
}

Authorization Of(const User& user, const AccessRequest& request, bool allowed, const std::string& reason) {
  if (allowed) {
    return {Kind::kAllowed, user.name, reason};
  }
  return {Kind::kForbidden, user.name,
          "user \"" + base::Printable(user.name, kMaxUserNameBytes) + "\" may not " + request.verb + " " + Where(request) +
              (reason.empty() ? "" : ": " + reason)};
}

// What answered a TokenReview may not be the API server but something on the way, and may tell what was sent to it: only what the
// API server itself is known to say of us is passed on.
std::string FailureOf(const char* review, ApiError error) {
  if (error.status != 0 && MissingVerb(error).empty()) {
    error.message = "(its text is left out: it may repeat what was asked)";
  }
  return std::string(review) + ": " + error.ToString();
}

}  // namespace

Authorization Authorizer::Review(const std::string& token, const AccessRequest& request, milliseconds deadline) {
  // Threads wait in real time, whatever clock tells how old answers are.
  const Instant until = std::chrono::steady_clock::now() + deadline;
  if (token.empty()) {
    return {Kind::kUnauthenticated, "", "no bearer token"};
  }
  if (!CanBeToken(token)) {
    return {Kind::kUnauthenticated, "", "the bearer token can be none: it is too long, or has characters that no token has"};
  }
  if (IsOver(token)) {
    return {Kind::kUnauthenticated, "", "the token has expired"};
  }
  const std::string digest = base::Sha256(token);
  const auto user = Identify(token, digest, until);
  if (!user) {
    return user.error();
  }
  if (!request.resource.namespace_name.empty() && !IsNamespaceName(request.resource.namespace_name)) {
    return {Kind::kForbidden, user->name, "there can be no namespace of that name"};
  }
  return Permit(*user, digest, request, until);
}

// By the clock that it is made by, where that is known: ours may be ahead.
bool Authorizer::IsOver(const std::string& token) const {
  const auto expiry = TokenExpiry(token);
  return expiry && *expiry <= api_.ServerTime().value_or(clock_.Now());
}

tl::expected<User, Authorization> Authorizer::Identify(const std::string& token, const std::string& digest, Instant until) {
  {
    base::MutexLock lock(mutex_);
    do {
      if (auto known = KnownHolder(digest)) {
        return *std::move(known);
      }
    } while (AwaitOthers(digest, until));
    const bool is_stranger = holders_.Find(digest) == nullptr;
    if (auto refusal = Begin(digest, is_stranger ? &strangers_ : nullptr, until)) {
      return tl::unexpected(*std::move(refusal));
    }
    ++counters_.token_reviews;
  }
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  const auto answer = ReviewToken(api_, token, {}, left);
  base::MutexLock lock(mutex_);
  if (!answer) {
    std::string failure = FailureOf("TokenReview", answer.error());
    Ended(digest, answer.error(), failure);
    return tl::unexpected(Authorization{Kind::kUnknown, "", std::move(failure)});
  }
  Ended(digest);
  Keep(digest, *answer);
  if (!*answer) {
    return tl::unexpected(Authorization{Kind::kUnauthenticated, "", "the API server knows no such token"});
  }
  return **answer;
}

void Authorizer::Keep(const std::string& digest, const std::optional<User>& user) {
  const Instant now = clock_.Monotonic();
  holders_.Erase(digest);  // with its answers: they were another user's, or the same one's of other groups
  if (!user) {
    nobodies_.Put(digest, now + kNobodyFor);
  } else if (const std::size_t bytes = BytesOf(*user); bytes <= kMaxUserBytes) {
    holders_.Put(digest, Holder{*user, now + kHolderFor, now + kRememberedFor}, bytes);
  }
}

std::optional<tl::expected<User, Authorization>> Authorizer::KnownHolder(const std::string& digest) {
  const Instant now = clock_.Monotonic();
  if (Holder* const holder = holders_.Find(digest); holder != nullptr) {
    if (now < holder->fresh_until) {
      return holder->user;
    }
    if (now >= holder->remembered_until) {
      holders_.Erase(digest);
    }
  }
  if (const Instant* const believed_until = nobodies_.Find(digest); believed_until != nullptr) {
    if (now < *believed_until) {
      return tl::unexpected(Authorization{Kind::kUnauthenticated, "", "the API server knows no such token"});
    }
    nobodies_.Erase(digest);
  }
  return std::nullopt;
}

Authorization Authorizer::Permit(const User& user, const std::string& digest, const AccessRequest& request, Instant until) {
  const std::string access = AccessOf(request, request.resource.namespace_name);
  const std::string question = digest + "\n" + access;
  {
    base::MutexLock lock(mutex_);
    do {
      if (auto known = KnownAnswer(user, digest, request)) {
        return *std::move(known);
      }
    } while (AwaitOthers(question, until));
    if (auto refusal = Begin(question, &AccessLimit(user.name), until)) {
      refusal->user = user.name;
      return *std::move(refusal);
    }
    ++counters_.access_reviews;
  }
  const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now());
  const auto answer = ReviewAccess(api_, user, request, left);
  base::MutexLock lock(mutex_);
  if (!answer) {
    std::string failure = FailureOf("SubjectAccessReview", answer.error());
    Ended(question, answer.error(), failure);
    return {Kind::kUnknown, user.name, std::move(failure)};
  }
  Ended(question);
  if (Holder* const holder = holders_.Find(digest); holder != nullptr) {
    holder->answers.Put(access, {answer->allowed, answer->reason, clock_.Monotonic() + (answer->allowed ? kAllowedFor : kForbiddenFor)});
  }
  return Of(user, request, answer->allowed, answer->reason);
}

// Who may read all namespaces reads each of them whatever is said of it alone: no reason to ask.
std::optional<Authorization> Authorizer::KnownAnswer(const User& user, const std::string& digest, const AccessRequest& request) {
  Holder* const holder = holders_.Find(digest);
  if (holder == nullptr) {
    return std::nullopt;
  }
  const Instant now = clock_.Monotonic();
  const Answer* const all = holder->answers.Find(AccessOf(request, ""));
  if (all != nullptr && all->allowed && now < all->until) {
    return Of(user, request, true, all->reason);
  }
  const Answer* const own = holder->answers.Find(AccessOf(request, request.resource.namespace_name));
  return own != nullptr && now < own->until ? std::make_optional(Of(user, request, own->allowed, own->reason)) : std::nullopt;
}

base::TokenBucket& Authorizer::AccessLimit(const std::string& user) {
  const std::string digest = base::Sha256(user);  // names have no bound
  if (access_limits_.Find(digest) == nullptr) {
    access_limits_.Put(digest, base::TokenBucket(kAccessBurst, kAccessRefill));
  }
  return *access_limits_.Find(digest);
}

bool Authorizer::AwaitOthers(const std::string& question, Instant until) {
  if (!asking_.contains(question) || std::chrono::steady_clock::now() >= until) {
    return false;
  }
  ended_.WaitUntil(mutex_, until);
  return true;
}

std::optional<Authorization> Authorizer::Begin(const std::string& question, base::TokenBucket* limit, Instant until) {
  if (asking_.contains(question) || std::chrono::steady_clock::now() >= until) {
    return Authorization{Kind::kUnknown, "", "the API server did not answer in time"};
  }
  const Instant now = clock_.Monotonic();
  if (!failure_.empty() && (trying_ || now < retry_)) {
    return Authorization{Kind::kUnknown, "", failure_};
  }
  if (limit != nullptr && !limit->Take(now)) {
    ++counters_.limited;
    return Authorization{Kind::kTooMany, "", "too many tokens or permissions to review at a time; try again in a second"};
  }
  trying_ = !failure_.empty();
  asking_.insert(question);
  return std::nullopt;
}

void Authorizer::Ended(const std::string& question) {
  asking_.erase(question);
  trying_ = false;
  failure_.clear();
  ended_.NotifyAll();
}

void Authorizer::Ended(const std::string& question, const ApiError& error, std::string failure) {
  Ended(question);
  ++counters_.failures;
  // Of these it is the question that is wrong: who asks it must not keep others from asking theirs.
  if (error.kind != ApiError::Kind::kInvalid && error.kind != ApiError::Kind::kRejected) {
    failure_ = std::move(failure);
    retry_ = clock_.Monotonic() + kFailureFor;
  }
}

Authorizer::Counters Authorizer::counters() const {
  base::MutexLock lock(mutex_);
  Counters counters = counters_;
  counters.holders = holders_.size();
  counters.nobodies = nobodies_.size();
  return counters;
}

}  // namespace kube
