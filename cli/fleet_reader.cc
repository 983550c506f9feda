#include "cli/fleet_reader.h"

#include <pthread.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "audit/cursor.h"
#include "audit/record.h"
#include "audit/summary_builder.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/replica_answer.h"
#include "http/url.h"

namespace cli {
namespace {

using audit::LogPage;
using audit::LogPlace;
using audit::MergeCursor;
using audit::Order;
using audit::Page;
using audit::Query;
using base::ErrorCode;
using std::chrono::milliseconds;

constexpr const char* kOwnName = "this replica";
constexpr const char* kOthersName = "the other replicas";
constexpr const char* kLate = "its log was not there when the first page was read; begin without a cursor to see its records";
constexpr const char* kMissing = "its records were in the pages before, and no replica answers with this log now";
constexpr std::size_t kMaxReasonBytes = 400;
constexpr std::size_t kShownFailures = 3;

// A page ends with the row that makes it kMaxPageBytes; the rest of the answer is a number for each row and little else.
constexpr std::size_t kMaxAnswerBytes = audit::kMaxPageBytes + audit::kMaxRecordBytes + (std::size_t{64} << 10);

tl::unexpected<base::Error> OfOneCluster() {
  return base::Fail(ErrorCode::kInvalidArgument, "a cluster is asked for, and all replicas that answer are of one",
                    "leave the cluster out");
}

std::string Reason(const base::Error& error) { return base::Printable(error.ToString(), kMaxReasonBytes); }

// "?name=value&…" of everything that is set.
class Target {
 public:
  explicit Target(const char* path) : text_(std::string(path) + "?scope=replica") {}

  Target& Add(const char* name, const std::string& value) {
    if (!value.empty()) {
      text_ += std::string("&") + name + "=" + http::PercentEncode(value);
    }
    return *this;
  }

  Target& Add(const audit::Filter& filter) {
    return Add("since", filter.since ? base::FormatTime(*filter.since) : "")
        .Add("until", filter.until ? base::FormatTime(*filter.until) : "")
        .Add("namespace", filter.namespace_name)
        .Add("decision", filter.decision)
        .Add("registry", filter.registry)
        .Add("image", filter.image)
        .Add("user", filter.user)
        .Add("uid", filter.uid);
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// What a replica that did not answer with 200 says, for a person.
base::Error Refusal(int status, std::string_view body) {
  const std::string said = ReadReplicaError(body);
  const std::string why = said.empty() ? "" : ": " + said;
  const std::string with = " (status " + std::to_string(status) + ")" + why;
  switch (status) {
    case 400:
      return {ErrorCode::kInvalidArgument, "it does not take the question" + with, ""};
    case 401:
      return {ErrorCode::kUnavailable, "it does not believe our token" + with, "the service account of this pod must be the cluster's own"};
    case 403:
      return {ErrorCode::kUnavailable, "it does not permit us to read its log" + with,
              "bind the ClusterRole ...-audit-viewer to the replicas' service account, as the chart does"};
    case 404:
      return {ErrorCode::kUnavailable, "it has no audit API" + with, "set audit.api: true on every replica"};
    case 429:
      return {ErrorCode::kUnavailable, "it is asked too often" + with, "ask again in a moment"};
    case 503:
      return {ErrorCode::kUnavailable, "it cannot answer now" + with, ""};
    default:
      return {ErrorCode::kUnavailable, "it failed" + with, ""};
  }
}

// The most rows of which any fit into an answer of so many bytes.
std::int64_t CertainRows(std::size_t bytes) {
  constexpr std::size_t kRow = audit::kMaxRecordBytes + 64;
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(bytes / kRow) - 1);
}

// One of those that are asked. Each is used by one thread.
class Replica {
 public:
  virtual ~Replica() = default;
  // Whose log it is, and its newest row's sequence; 0: it has none.
  virtual base::Result<LogPlace> Newest() = 0;
  // Rows of this log, "" for any, behind this place; none: from its start.
  virtual base::Result<LogPage> Rows(const Query& query, const std::string& log, std::optional<std::int64_t> place) = 0;
  virtual base::Result<audit::Summary> Summarise(const audit::Filter& filter) = 0;
};

class OwnReplica final : public Replica {
 public:
  explicit OwnReplica(audit::Reader& reader) : reader_(reader) {}

  base::Result<LogPlace> Newest() override {
    const auto end = reader_.End();
    if (!end) {
      return tl::unexpected(end.error());
    }
    auto cursor = audit::ParseMergeCursor(*end);
    if (!cursor || cursor->places.size() != 1) {
      return base::Fail(ErrorCode::kInternal, "its log has no place");
    }
    return std::move(cursor->places[0]);
  }

  base::Result<LogPage> Rows(const Query& query, const std::string& log, std::optional<std::int64_t> place) override {
    Query own = query;
    own.cursor = place ? audit::LogCursor(log, *place) : "";
    auto page = reader_.Read(own);
    if (!page) {
      return tl::unexpected(std::move(page.error()));
    }
    return MakeLogPage({query.order, log, place, query.limit}, std::move(page->log), std::move(page->rows), page->next);
  }

  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override { return reader_.Summarise(filter); }

 private:
  audit::Reader& reader_;
};

class DistantReplica final : public Replica {
 public:
  struct Limits {
    std::chrono::steady_clock::time_point end;
    std::size_t bytes;  // of an answer
  };

  DistantReplica(std::string address, Limits limits, ReplicaClients& clients, const base::Clock& clock)
      : address_(std::move(address)), limits_(limits), clients_(clients), clock_(clock) {}

  base::Result<LogPlace> Newest() override {
    Query query;
    query.limit = 1;
    const auto page = Rows(query, "", std::nullopt);
    if (!page) {
      return tl::unexpected(page.error());
    }
    return LogPlace{page->log, page->rows.empty() ? 0 : page->rows[0].sequence, false};
  }

  base::Result<LogPage> Rows(const Query& query, const std::string& log, std::optional<std::int64_t> place) override {
    std::int64_t limit = query.limit;
    auto response = Get(RowsTarget(query, log, place, limit), limits_.bytes);
    if (const std::int64_t certain = CertainRows(limits_.bytes); !response && limit > certain) {
      limit = certain;  // records may be so large that not as many fit
      response = Get(RowsTarget(query, log, place, limit), limits_.bytes);
    }
    if (!response) {
      return tl::unexpected(std::move(response.error()));
    }
    if (response->status != 200) {
      return tl::unexpected(Refusal(response->status, response->body));
    }
    return ReadReplicaPage(std::move(response->body), {query.order, log, place, limit});
  }

  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override {
    auto response = Get(Target("/audit/v1/summary").Add(filter).text(), limits_.bytes);
    if (!response) {
      return tl::unexpected(std::move(response.error()));
    }
    if (response->status != 200) {
      return tl::unexpected(Refusal(response->status, response->body));
    }
    return ReadReplicaSummary(std::move(response->body));
  }

 private:
  static std::string RowsTarget(const Query& query, const std::string& log, std::optional<std::int64_t> place, std::int64_t limit) {
    return Target("/audit/v1/decisions")
        .Add(query.filter)
        .Add("limit", std::to_string(limit))
        .Add("order", query.order == Order::kNewestFirst ? "newest" : "oldest")
        .Add("cursor", place ? audit::LogCursor(log, *place) : "")
        .text();
  }

  base::Result<http::Response> Get(const std::string& target, std::size_t most) {
    const auto left = std::chrono::duration_cast<milliseconds>(limits_.end - clock_.Monotonic());
    if (left <= milliseconds(0)) {
      return base::Fail(ErrorCode::kUnavailable, "it did not answer in time");
    }
    return clients_.Get(address_, target, most, left);
  }

  const std::string address_;
  const Limits limits_;
  ReplicaClients& clients_;
  const base::Clock& clock_;
};

// Where a page of one log comes from.
struct PageQuestion {
  const Query& query;  // its limit is of each log
  const MergeCursor& cursor;

  bool FirstPage() const { return cursor.places.empty(); }
};

// Newest first, a log that was not there when the first page was read: nullopt.
using PageAnswer = base::Result<std::optional<LogPage>>;

PageAnswer AskPageOf(Replica& replica, const PageQuestion& question, const std::string& log) {
  const bool newest_first = question.query.order == Order::kNewestFirst;
  const LogPlace* const place = log.empty() ? nullptr : question.cursor.Find(log);
  if (place == nullptr && newest_first && !question.FirstPage()) {
    return std::nullopt;
  }
  if (place != nullptr && newest_first && place->sequence == 0) {
    return LogPage{log, {}, 0, false};  // its end
  }
  Query query = question.query;
  if (place == nullptr && question.cursor.since) {
    query.filter.since = std::max(*question.cursor.since, query.filter.since.value_or(*question.cursor.since));
  }
  return replica.Rows(query, log, place == nullptr ? std::nullopt : std::make_optional(place->sequence));
}

// Where it goes on depends on whose log it is. `known` is what it was last, "" if it was not asked yet; the address may have changed
// hands since.
PageAnswer AskPage(Replica& replica, const PageQuestion& question, const std::string& known) {
  if (question.FirstPage()) {
    return AskPageOf(replica, question, "");
  }
  if (!known.empty()) {
    auto page = AskPageOf(replica, question, known);
    if (page ? page->has_value() : page.error().code == ErrorCode::kUnavailable) {
      return page;
    }
  }
  const auto newest = replica.Newest();
  if (!newest) {
    return tl::unexpected(newest.error());
  }
  return AskPageOf(replica, question, newest->log);
}

std::string Failures(const std::vector<audit::Incomplete>& incomplete) {
  std::string text;
  for (std::size_t i = 0; i < std::min(incomplete.size(), kShownFailures); ++i) {
    text += (i == 0 ? "" : "; ") + incomplete[i].replica + ": " + incomplete[i].reason;
  }
  const std::size_t more = incomplete.size() - std::min(incomplete.size(), kShownFailures);
  return more == 0 ? text : text + "; and " + std::to_string(more) + " more";
}

tl::unexpected<base::Error> NobodyAnswers(const std::vector<audit::Incomplete>& incomplete) {
  return base::Fail(ErrorCode::kUnavailable, "no replica answers: " + Failures(incomplete),
                    "see that audit.api is on, that the NetworkPolicy lets replicas reach each other, and that audit.replicas fits them; "
                    "audit --database asks this replica's log alone");
}

}  // namespace

// One question to all.
struct FleetReader::Round {
  struct Member {
    std::string name;   // for people: its address
    std::string known;  // its log
    std::unique_ptr<Replica> replica;
  };
  std::vector<Member> members;  // the own replica first, where there is one
  bool has_own = false;
  std::int64_t rows = 0;  // of each
  std::vector<audit::Incomplete> incomplete;

  // Everybody at a time, each on a thread that ends with the question; the own replica on the caller's.
  template <class T>
  std::vector<base::Result<T>> Ask(const std::function<base::Result<T>(Member&)>& ask) {
    std::vector<base::Result<T>> answers(members.size(), base::Fail(ErrorCode::kUnavailable, "there is no thread left to ask it"));
    std::vector<std::thread> threads;
    threads.reserve(members.size());
    try {
      for (std::size_t i = has_own ? 1 : 0; i < members.size(); ++i) {
        threads.emplace_back([this, i, &answers, &ask] {
          pthread_setname_np(pthread_self(), "audit-replica");
          answers[i] = ask(members[i]);
        });
      }
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch): whoever has no thread says so
    }
    if (has_own) {
      answers[0] = ask(members[0]);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    return answers;
  }
};

FleetReader::FleetReader(World world, OwnLog own) : world_(std::move(world)), own_(std::move(own)) {}

base::Result<FleetReader::Round> FleetReader::Begin(std::int64_t limit) {
  // A clock that has ended stands at its greatest time.
  const auto now = world_.clock.Monotonic();
  const auto end = now > std::chrono::steady_clock::time_point::max() - world_.deadline ? now : now + world_.deadline;
  Round round;
  if (own_.reader) {
    round.has_own = true;
    round.members.push_back({kOwnName, "", std::make_unique<OwnReplica>(*own_.reader)});
  }
  auto found = world_.find(world_.deadline);
  std::vector<std::string> addresses;
  std::set<std::string> seen;
  for (std::string& address : found ? *found : addresses) {
    if (seen.insert(address).second && !(own_.reader && own_.is_address(address))) {
      addresses.push_back(std::move(address));
    }
  }
  if (addresses.size() > kMaxReplicas) {
    round.incomplete.push_back({std::to_string(addresses.size() - kMaxReplicas) + " more replicas",
                                "at most " + std::to_string(kMaxReplicas) + " are asked at a time"});
    addresses.resize(kMaxReplicas);
  }
  const auto begun = found ? world_.clients.Begin(addresses) : tl::unexpected(found.error());
  if (!begun && !own_.reader) {
    return tl::unexpected(begun.error());
  }
  if (!begun) {  // the own log is something, as long as it is not taken for all
    round.incomplete.push_back({kOthersName, Reason(begun.error())});
    addresses.clear();
  }
  const auto count = std::max<std::size_t>(addresses.size(), 1);
  round.rows = std::min({limit, audit::kMaxPageRows, kMaxFleetRows / static_cast<std::int64_t>(count)});
  std::map<std::string, std::string> logs;
  for (const std::string& address : addresses) {
    logs[address] = logs_[address];
    const DistantReplica::Limits limits{end, std::min(kMaxAnswerBytes, kMaxFleetBytes / count)};
    round.members.push_back({address, logs[address], std::make_unique<DistantReplica>(address, limits, world_.clients, world_.clock)});
  }
  logs_ = std::move(logs);
  return round;
}

base::Result<Page> FleetReader::Read(const Query& query) {
  if (!query.filter.cluster.empty()) {
    return OfOneCluster();
  }
  if (query.limit < 1) {
    return base::Fail(ErrorCode::kInvalidArgument, "a limit of " + std::to_string(query.limit) + ": must be 1 or more");
  }
  const auto cursor = audit::ParseMergeCursor(query.cursor);
  if (!cursor) {
    return tl::unexpected(cursor.error());
  }
  auto round = Begin(query.limit);
  if (!round) {
    return tl::unexpected(std::move(round.error()));
  }
  Query each = query;
  each.limit = round->rows;
  const PageQuestion question{each, *cursor};
  auto answers =
      round->Ask<std::optional<LogPage>>([&](Round::Member& member) { return AskPage(*member.replica, question, member.known); });

  std::vector<LogPage> pages;
  std::set<std::string> logs;
  std::set<std::string> failed;  // logs of those that did not answer
  bool anybody = false;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Round::Member& member = round->members[i];
    if (!answers[i]) {
      round->incomplete.push_back({member.name, Reason(answers[i].error())});
      failed.insert(member.known);
      continue;
    }
    anybody = true;
    std::optional<LogPage>& page = *answers[i];
    if (!page) {
      round->incomplete.push_back({member.name, kLate});
    } else if (logs.insert(page->log).second) {
      logs_[member.name] = page->log;
      pages.push_back(*std::move(page));
    } else {
      logs_[member.name] = page->log;
    }
  }
  if (!anybody) {
    return NobodyAnswers(round->incomplete);
  }
  audit::MergedPage merged = audit::MergePages(std::move(pages), *cursor, query.order, std::min(query.limit, audit::kMaxPageRows));
  for (const std::string& log : merged.missing) {
    if (!failed.contains(log)) {
      round->incomplete.push_back({"log " + log, kMissing});
    }
  }
  Page page;
  page.rows = std::move(merged.rows);
  page.next = merged.more || query.order == Order::kOldestFirst ? ToString(merged.next) : "";
  page.incomplete = std::move(round->incomplete);
  return page;
}

base::Result<MergeCursor> FleetReader::Newest(Round& round) {
  auto answers = round.Ask<LogPlace>([](Round::Member& member) { return member.replica->Newest(); });
  MergeCursor cursor;
  std::vector<Round::Member> members;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    Round::Member& member = round.members[i];
    if (!answers[i]) {
      round.incomplete.push_back({member.name, Reason(answers[i].error())});
      round.has_own = round.has_own && i != 0;
      continue;
    }
    logs_[member.name] = answers[i]->log;
    if (cursor.Find(answers[i]->log) == nullptr) {
      cursor.places.push_back(*std::move(answers[i]));
      members.push_back(std::move(member));
    }
  }
  if (members.empty()) {
    return NobodyAnswers(round.incomplete);
  }
  round.members = std::move(members);
  return cursor;
}

// Whose log it is is asked first: a replica with two addresses must not be counted twice.
base::Result<audit::Summary> FleetReader::Summarise(const audit::Filter& filter) {
  if (!filter.cluster.empty()) {
    return OfOneCluster();
  }
  auto round = Begin(1);
  if (!round) {
    return tl::unexpected(std::move(round.error()));
  }
  if (const auto logs = Newest(*round); !logs) {
    return tl::unexpected(logs.error());
  }
  auto answers = round->Ask<audit::Summary>([&](Round::Member& member) { return member.replica->Summarise(filter); });
  audit::SummaryBuilder sum;
  bool anybody = false;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) {
      answers[i]->incomplete.clear();
      sum.Add(*answers[i]);
      anybody = true;
    } else {
      round->incomplete.push_back({round->members[i].name, Reason(answers[i].error())});
    }
  }
  if (!anybody) {
    return NobodyAnswers(round->incomplete);
  }
  audit::Summary summary = std::move(sum).Build();
  summary.incomplete = std::move(round->incomplete);
  return summary;
}

base::Result<std::string> FleetReader::End() {
  auto round = Begin(1);
  if (!round) {
    return tl::unexpected(std::move(round.error()));
  }
  auto cursor = Newest(*round);
  if (!cursor) {
    return tl::unexpected(std::move(cursor.error()));
  }
  cursor->since = world_.clock.Now() - kNewLogSlack;
  return ToString(*cursor);
}

}  // namespace cli
