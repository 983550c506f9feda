// What is to be told of in Events, how often it happened, and when to write which of it. Pure: no thread, no clock but the times
// handed in. The same thing of the same object is one Event, whose series counts; what happens to be told of a thousand times a
// second is written once a minute. Namespaces have equal shares, in room and in writes: nobody who makes things be told of in one
// keeps those of another from being told.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "base/time.h"
#include "base/token_bucket.h"

namespace kube {

struct ObjectReference {
  std::string api_version, kind;  // the version may be ""
  std::string namespace_name;     // "" for an object of the cluster
  std::string name, uid;          // uid may be ""
};

struct Event {
  enum class Type { kNormal, kWarning };
  ObjectReference regarding;
  Type type = Type::kNormal;
  std::string reason;  // why, in one word for machines: "CertificateRotated"
  std::string action;  // what was done about it: "Rotate"
  std::string note;    // for people; cut to kMaxNoteBytes
  // What else tells it from other things of the same object and reason, where the note says something new each time (an age, an id):
  // the note of the first one then stands for all. "": the note itself tells.
  std::string sameness{};
};

// The API's own limit.
inline constexpr std::size_t kMaxNoteBytes = 1024;
// Different things at a time. What comes beyond is dropped, and counted: nobody reads more. The namespace that has most gives way to
// one that has fewer.
inline constexpr std::size_t kMaxSeries = 200;
// A series is over when its last one is this old; after that it is a new Event. client-go's number.
inline constexpr std::chrono::minutes kSeriesEnd{6};
// One series is not written more often, nor one that failed tried again.
inline constexpr std::chrono::seconds kSeriesInterval{60};
// Writes of all series: so many at once, and after that one every kWriteRefill, the namespaces in turn, and in each of them what is
// new before what goes on. The API server's own EventRateLimit allows more.
inline constexpr int kWriteBurst = 20;
inline constexpr std::chrono::seconds kWriteRefill{5};

// For one thread at a time.
class EventBook {
 public:
  using Instant = std::chrono::steady_clock::time_point;

  // `instance` names the replica: two that tell the same thing in the same microsecond make two Events.
  explicit EventBook(std::string instance) : instance_(std::move(instance)) {}

  // False when one was dropped for want of room: this one, or another that had not been told yet.
  bool Note(const Event& event, base::Time now, Instant instant);

  // One Event to create, or one that is there and whose series to count up.
  struct Write {
    Event event;
    std::string name;
    bool create = true;
    std::uint64_t count = 1;
    base::Time first{}, last{};
  };
  // Counts against the rate; Done must follow. Nothing when nothing is due yet.
  std::optional<Write> Next(Instant now);

  enum class Outcome {
    kWritten,
    kGone,     // there is no such Event any more (they live an hour): create it again
    kRefused,  // the API server will never take it: it is forgotten
    kFailed,   // to be tried again
  };
  void Done(const Write& write, Outcome outcome);

 private:
  // Kind, namespace, name and uid of the object (kubectl describe shows only what has the uid), reason, and what tells it apart.
  using Key = std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>;
  struct Series {
    Event event;
    std::string name;
    bool created = false;
    std::uint64_t count = 0, written = 0;
    base::Time first{}, last{};
    Instant last_instant{};
    Instant due{};  // not written before

    bool IsTold() const { return count == written; }
    const std::string& namespace_name() const { return event.regarding.namespace_name; }
  };

  // Takes one out of the namespace that has most, for one of `namespace_name`. Nothing when that has no fewer; else whether the one
  // taken out was told.
  std::optional<bool> GiveWay(const std::string& namespace_name);
  std::uint64_t LastTurn(const std::string& namespace_name) const;

  static Key KeyOf(const Event& event);
  std::string NameFor(const Event& event, base::Time now);

  const std::string instance_;
  std::uint64_t named_ = 0;
  std::map<Key, Series> series_;
  std::uint64_t turn_ = 0;
  std::map<std::string, std::uint64_t> turns_;  // of namespaces: when the last write of each was
  base::TokenBucket writes_{kWriteBurst, kWriteRefill};
};

}  // namespace kube
