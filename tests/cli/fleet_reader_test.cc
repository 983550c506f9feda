#include "cli/fleet_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <set>

#include "audit/cursor.h"
#include "audit/database_reader.h"
#include "base/file.h"
#include "tests/audit/sample_records.h"
#include "tests/audit/scratch.h"
#include "tests/support/scripted_http.h"
#include "webhook/audit_api.h"

namespace cli {
namespace {

using audit::Incomplete;
using audit::Order;
using audit::Page;
using audit::Query;
using base::ErrorCode;
using support::SampleRecord;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::vector<std::string> UidsOf(const std::vector<audit::Row>& rows) {
  std::vector<std::string> uids;
  for (const audit::Row& row : rows) {
    uids.push_back(nlohmann::json::parse(row.record).at("uid"));
  }
  return uids;
}

auto Missing(const std::string& replica, const std::string& reason) {
  return AllOf(Field(&Incomplete::replica, replica), Field(&Incomplete::reason, HasSubstr(reason)));
}

// A replica with a database of its own, answering as the program does.
class TestReplica {
 public:
  TestReplica(const std::string& folder, const base::Clock& clock) : folder_(folder), clock_(clock) { Begin(); }

  // Another database, as after damage or in another pod.
  void Begin() {
    store_.reset();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    store_ = support::OpenStore({.database = Database()}, clock_);
  }

  void Commit(const SampleRecord& sample) { ASSERT_TRUE(store_->Commit(std::vector<audit::Record>{sample.Make()})); }
  std::string Database() const { return folder_ + "/audit.db"; }
  std::string Log() const { return audit::ParseLogCursor(audit::OpenDatabaseReader(Database()).value()->End().value())->log_hex; }

  // Called by several threads, with a reader each.
  base::Result<http::Response> Answer(const http::Request& request) {
    const auto reader = audit::OpenDatabaseReader(Database());
    EXPECT_TRUE(reader);
    const std::size_t path = request.url.find('/', std::string("https://").size());
    const auto permit = [](std::string_view, std::string_view, std::string_view) {
      return webhook::Authorization{webhook::Authorization::Kind::kAllowed, "system:serviceaccount:acr:acr", ""};
    };
    const auto answer = webhook::Answer({.target = request.url.substr(path), .token = "token", .peer = "10.0.0.9"}, {**reader, **reader},
                                        permit, clock_.Now());
    return support::JsonResponse(static_cast<int>(answer.status), answer.body);
  }

 private:
  const std::string folder_;
  const base::Clock& clock_;
  std::unique_ptr<audit::Store> store_;
};

class FleetReaderTest : public testing::Test {
 protected:
  using Answer = support::ScriptedHttp::Answer;

  FleetReaderTest() : folder_(std::filesystem::path(support::ScratchDatabase()).parent_path()), token_(WithToken(), clock_) {
    ReplicaClients::Options options;
    options.server_name = "acr-admission.acr.svc";
    options.port = 8443;
    options.trust = [this]() -> base::Result<http::TlsSettings> {
      if (trust_error_) {
        return tl::unexpected(*trust_error_);
      }
      return http::TlsSettings{.ca_pem = "pem", .system = http::SystemTrust::kNotUsed};
    };
    options.make = [this](const std::string& address, const http::TlsSettings&) -> base::Result<std::unique_ptr<AddressClient>> {
      return std::make_unique<Client>([this, address](const http::Request& request) { return Serve(address, request); });
    };
    clients_ = std::make_unique<ReplicaClients>(std::move(options), token_);
    reader_ = std::make_unique<FleetReader>(WorldOf());
  }

  static kube::Config WithToken() {
    kube::Config config;
    config.token = "token";
    return config;
  }

  FleetReader::World WorldOf() {
    return {[this](std::chrono::milliseconds) { return found_; }, *clients_, clock_};
  }

  // A replica at the address; the Service has it.
  TestReplica& Add(const std::string& address) {
    replicas_[address] = std::make_unique<TestReplica>(folder_ + "/" + std::to_string(replicas_.size()), clock_);
    found_->push_back(address);
    return *replicas_[address];
  }

  // From now on the address answers so instead.
  void Instead(const std::string& address, Answer answer) { instead_[address] = std::move(answer); }
  void InsteadStatus(const std::string& address, int status, const std::string& error) {
    Instead(address, [=](const http::Request&) { return support::JsonResponse(status, R"({"error":")" + error + "\"}"); });
  }
  void Break(const std::string& address) {
    Instead(address, [](const http::Request&) -> base::Result<http::Response> {
      return base::Fail(ErrorCode::kUnavailable, "connecting to it took too long");
    });
  }
  void Mend(const std::string& address) { instead_.erase(address); }
  void Remove(const std::string& address) { std::erase(*found_, address); }

  static SampleRecord At(const std::string& uid, const std::string& minute) {
    return {.uid = uid, .time = support::At(("2026-11-23T12:" + minute + ":00Z").c_str())};
  }

  Page Read(const Query& query) {
    auto page = reader_->Read(query);
    EXPECT_TRUE(page) << page.error().ToString();
    return page ? *std::move(page) : Page();
  }

  std::vector<http::Request> Requests() {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  std::vector<std::string> Asked(const std::string& part) {
    std::vector<std::string> urls;
    for (const http::Request& request : Requests()) {
      if (request.url.find(part) != std::string::npos) {
        urls.push_back(request.url);
      }
    }
    return urls;
  }
  void ForgetRequests() {
    const std::scoped_lock lock(mutex_);
    requests_.clear();
  }

  const std::string folder_;
  support::FakeClock clock_;
  base::Result<std::vector<std::string>> found_ = std::vector<std::string>();
  std::optional<base::Error> trust_error_;
  std::map<std::string, std::unique_ptr<TestReplica>> replicas_;
  std::unique_ptr<ReplicaClients> clients_;
  std::unique_ptr<FleetReader> reader_;

 private:
  class Client final : public AddressClient {
   public:
    explicit Client(Answer answer) : http_(std::move(answer)) {}
    http::Client& client() override { return http_; }
    void Stop() override {}

   private:
    support::ScriptedHttp http_;
  };

  base::Result<http::Response> Serve(const std::string& address, const http::Request& request) {
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(request);
    }
    if (const auto other = instead_.find(address); other != instead_.end()) {
      return other->second(request);
    }
    auto response = replicas_.at(address)->Answer(request);
    if (response && response->body.size() > request.max_response_bytes) {
      return base::Fail(ErrorCode::kUnavailable, "its body is larger than that");
    }
    return response;
  }

  kube::BearerToken token_;
  std::map<std::string, Answer> instead_;
  std::mutex mutex_;
  std::vector<http::Request> requests_;
};

// ---- one page

TEST_F(FleetReaderTest, ReplicasAreReadAsOneLog) {
  TestReplica& a = Add("10.0.0.1");
  TestReplica& b = Add("fd00::2");
  a.Commit(At("a1", "01"));
  b.Commit(At("b2", "02"));
  a.Commit(At("a3", "03"));
  const Page newest = Read({});
  EXPECT_THAT(UidsOf(newest.rows), ElementsAre("a3", "b2", "a1"));
  EXPECT_EQ(newest.rows[0].record, At("a3", "03").Make().json);
  EXPECT_THAT(newest.incomplete, IsEmpty());
  EXPECT_EQ(newest.next, "");
  const Page oldest = Read({.order = Order::kOldestFirst});
  EXPECT_THAT(UidsOf(oldest.rows), ElementsAre("a1", "b2", "a3"));
  EXPECT_NE(oldest.next, "");
}

TEST_F(FleetReaderTest, EachIsAskedForItsOwnLogAloneWithWhatWasAsked) {
  Add("10.0.0.1");
  Read({.filter = {.since = support::At("2026-11-23T10:00:00.5Z"),
                   .until = support::At("2026-11-24T00:00:00Z"),
                   .namespace_name = "shop*",
                   .decision = "Denied",
                   .registry = "contoso.azurecr.io",
                   .image = "*/a b&c=?",
                   .user = "system:serviceaccount:x:y",
                   .uid = "u-1"},
        .limit = 7});
  const std::vector<http::Request> requests = Requests();
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].method, "GET");
  EXPECT_EQ(
      requests[0].url,
      "https://acr-admission.acr.svc:8443/audit/v1/decisions?scope=replica&since=2026-11-23T10%3A00%3A00.500000Z"
      "&until=2026-11-24T00%3A00%3A00.000000Z&namespace=shop%2A&decision=Denied&registry=contoso.azurecr.io&image=%2A%2Fa%20b%26c%3D%3F"
      "&user=system%3Aserviceaccount%3Ax%3Ay&uid=u-1&limit=7&order=newest");
  EXPECT_THAT(requests[0].headers, Contains(std::pair<std::string, std::string>("Authorization", "Bearer token")));
  EXPECT_FALSE(requests[0].use_proxy);
  EXPECT_LE(requests[0].deadline, kFleetDeadline);
}

TEST_F(FleetReaderTest, AFilterHoldsForAll) {
  TestReplica& a = Add("10.0.0.1");
  TestReplica& b = Add("10.0.0.2");
  a.Commit({.uid = "a1", .namespace_name = "shop"});
  a.Commit({.uid = "a2", .namespace_name = "other"});
  b.Commit({.uid = "b1", .namespace_name = "shop"});
  EXPECT_THAT(UidsOf(Read({.filter = {.namespace_name = "shop"}}).rows), UnorderedElementsAre("a1", "b1"));
}

TEST_F(FleetReaderTest, ReplicasAreOfOneClusterAndAreNotAskedForOthers) {
  const auto page = reader_->Read({.filter = {.cluster = "weu"}});
  ASSERT_FALSE(page);
  EXPECT_THAT(page.error().ToString(), HasSubstr("leave the cluster out"));
  EXPECT_EQ(page.error().code, base::ErrorCode::kInvalidArgument);
  EXPECT_FALSE(reader_->Summarise({.cluster = "weu"}));
}

TEST_F(FleetReaderTest, AnAddressThatIsFoundTwiceIsAskedOnce) {
  Add("10.0.0.1").Commit(At("a1", "01"));
  found_->push_back("10.0.0.1");
  EXPECT_THAT(UidsOf(Read({}).rows), ElementsAre("a1"));
  EXPECT_THAT(Requests(), SizeIs(1));
}

// As where pods have an IPv4 and an IPv6 address.
TEST_F(FleetReaderTest, ALogAtTwoAddressesIsReadOnce) {
  TestReplica& a = Add("10.0.0.1");
  a.Commit(At("a1", "01"));
  a.Commit({.uid = "a2", .decision = policy::DecisionKind::kDenied, .user = "anna"});
  found_->push_back("fd00::1");
  Instead("fd00::1", [&](const http::Request& request) { return a.Answer(request); });
  const Page page = Read({});
  EXPECT_THAT(UidsOf(page.rows), UnorderedElementsAre("a1", "a2"));
  EXPECT_THAT(page.incomplete, IsEmpty());
  const auto summary = reader_->Summarise({});
  ASSERT_TRUE(summary) << summary.error().ToString();
  ASSERT_THAT(summary->by_user, SizeIs(1));
  EXPECT_EQ(summary->by_user[0].counts.denied, 2);
  EXPECT_THAT(Asked("/summary"), SizeIs(1));
}

TEST_F(FleetReaderTest, NoMoreReplicasAreAskedThanIsBounded) {
  for (std::size_t i = 0; i < kMaxReplicas + 3; ++i) {
    found_->push_back("10.0.1." + std::to_string(i));
    Break(found_->back());
  }
  Remove("10.0.1.0");
  Add("10.0.0.1").Commit(At("a1", "01"));
  std::rotate(found_->begin(), found_->end() - 1, found_->end());
  const Page page = Read({});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("a1"));
  EXPECT_THAT(page.incomplete, SizeIs(kMaxReplicas));  // 63 that are broken
  EXPECT_THAT(page.incomplete[0], Missing("3 more replicas", "at most 64"));
}

// ---- those that do not answer

TEST_F(FleetReaderTest, WhoeverDoesNotAnswerIsNamedAndTheOthersAreShown) {
  Add("10.0.0.1").Commit(At("a1", "01"));
  for (const char* address : {"10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6", "10.0.0.7", "10.0.0.8", "10.0.0.9"}) {
    Add(address).Commit(At("hidden", "02"));
  }
  Break("10.0.0.2");
  InsteadStatus("10.0.0.3", 401, "nobody");
  InsteadStatus("10.0.0.4", 403, "user x cannot list");
  InsteadStatus("10.0.0.5", 429, "wait");
  InsteadStatus("10.0.0.6", 503, "busy");
  InsteadStatus("10.0.0.7", 404, "none");
  Instead("10.0.0.8", [](const http::Request&) { return support::JsonResponse(200, "<html>"); });
  InsteadStatus("10.0.0.9", 500, "bad\\nluck");
  const Page page = Read({});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("a1"));
  EXPECT_THAT(page.incomplete, UnorderedElementsAre(Missing("10.0.0.2", "took too long"), Missing("10.0.0.3", "401"),
                                                    Missing("10.0.0.4", "user x cannot list"), Missing("10.0.0.5", "429"),
                                                    Missing("10.0.0.6", "busy"), Missing("10.0.0.7", "audit.api"),
                                                    Missing("10.0.0.8", "not understood"), Missing("10.0.0.9", "bad?luck")));
}

TEST_F(FleetReaderTest, WhenNobodyAnswersThatIsAnError) {
  Add("10.0.0.1");
  Add("10.0.0.2");
  Break("10.0.0.1");
  InsteadStatus("10.0.0.2", 403, "no");
  for (const auto& error : {reader_->Read({}).error(), reader_->Summarise({}).error(), reader_->End().error()}) {
    EXPECT_EQ(error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(error.message, AllOf(HasSubstr("10.0.0.1: connecting to it took too long"), HasSubstr("10.0.0.2: it does not permit")));
    EXPECT_THAT(error.remedy, HasSubstr("audit.replicas"));
  }
}

TEST_F(FleetReaderTest, ANameThatIsNotFoundIsAnError) {
  found_ = base::Fail(ErrorCode::kUnavailable, "resolving the name x: Name or service not known");
  EXPECT_THAT(reader_->Read({}).error().message, HasSubstr("resolving the name x"));
  EXPECT_FALSE(reader_->Summarise({}));
  EXPECT_FALSE(reader_->End());
}

TEST_F(FleetReaderTest, WithoutAnybodyToBelieveNobodyIsAsked) {
  Add("10.0.0.1");
  trust_error_ = base::Error{ErrorCode::kUnavailable, "the Secret cannot be read", ""};
  EXPECT_THAT(reader_->Read({}).error().message, HasSubstr("the Secret"));
  EXPECT_THAT(Requests(), IsEmpty());
}

TEST_F(FleetReaderTest, WhenTheTimeIsOverNobodyIsAskedAnyMore) {
  TestReplica& a = Add("10.0.0.1");
  a.Commit(At("a1", "01"));
  a.Commit(At("a2", "02"));
  const Page first = Read({.limit = 1});
  reader_ = std::make_unique<FleetReader>(WorldOf());  // which does not know whose log it is, and has to ask
  Instead("10.0.0.1", [&](const http::Request& request) {
    clock_.Advance(kFleetDeadline);
    return a.Answer(request);
  });
  ForgetRequests();
  EXPECT_THAT(reader_->Read({.cursor = first.next}).error().message, HasSubstr("did not answer in time"));
  EXPECT_THAT(Requests(), SizeIs(1));
}

TEST_F(FleetReaderTest, WhereTimeHasEndedNobodyIsAsked) {
  struct Ended final : base::Clock {
    base::Time Now() const override { return {}; }
    std::chrono::steady_clock::time_point Monotonic() const override { return std::chrono::steady_clock::time_point::max(); }
  };
  const Ended ended;
  Add("10.0.0.1");
  FleetReader reader({[this](std::chrono::milliseconds) { return found_; }, *clients_, ended});
  EXPECT_FALSE(reader.Read({}));
  EXPECT_THAT(Requests(), IsEmpty());
}

// ---- pages

TEST_F(FleetReaderTest, PagesMakeUpEverythingOnceWhereverTheyEnd) {
  std::mt19937 random(5);
  std::vector<std::pair<std::string, TestReplica*>> replicas;
  for (const char* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
    replicas.emplace_back(address, &Add(address));
  }
  const base::Time begin = support::At("2026-11-23T12:00:00Z");
  std::vector<std::string> uids;
  for (int i = 0; i < 60; ++i) {
    uids.push_back("u" + std::to_string(i));
    replicas[random() % 3].second->Commit({.uid = uids.back(), .time = begin + std::chrono::seconds(i)});
  }
  for (const Order order : {Order::kOldestFirst, Order::kNewestFirst}) {
    std::vector<std::string> read;
    std::string cursor;
    do {
      // Half of the pages are asked for by a process that was not there before.
      if (random() % 2 == 0) {
        reader_ = std::make_unique<FleetReader>(WorldOf());
      }
      const Page page = Read({.order = order, .cursor = cursor, .limit = static_cast<std::int64_t>(1 + random() % 9)});
      EXPECT_THAT(page.incomplete, IsEmpty());
      const std::vector<std::string> some = UidsOf(page.rows);
      read.insert(read.end(), some.begin(), some.end());
      cursor = page.next;
    } while (read.size() < uids.size() && !cursor.empty());
    EXPECT_EQ(read, uids);
    std::reverse(uids.begin(), uids.end());
  }
}

TEST_F(FleetReaderTest, WhoseLogItIsIsAskedOnlyOnce) {
  TestReplica& a = Add("10.0.0.1");
  for (int i = 0; i < 6; ++i) {
    a.Commit(At("a" + std::to_string(i), "0" + std::to_string(i)));
  }
  std::string cursor;
  for (int i = 0; i < 3; ++i) {
    cursor = Read({.cursor = cursor, .limit = 1}).next;
  }
  EXPECT_THAT(Requests(), SizeIs(3));
  reader_ = std::make_unique<FleetReader>(WorldOf());
  ForgetRequests();
  cursor = Read({.cursor = cursor, .limit = 1}).next;
  EXPECT_THAT(UidsOf(Read({.cursor = cursor, .limit = 1}).rows), ElementsAre("a1"));
  EXPECT_THAT(Requests(), SizeIs(3));
}

TEST_F(FleetReaderTest, AnAddressThatChangedHandsIsNotedBeforeItsRowsAreTaken) {
  TestReplica& a = Add("10.0.0.1");
  TestReplica& b = Add("10.0.0.2");
  for (const char* minute : {"01", "03", "05"}) {
    a.Commit(At(std::string("a") + minute, minute));
  }
  for (const char* minute : {"02", "04", "06"}) {
    b.Commit(At(std::string("b") + minute, minute));
  }
  for (const Order order : {Order::kNewestFirst, Order::kOldestFirst}) {
    const Page first = Read({.order = order, .limit = 2});
    std::swap(replicas_["10.0.0.1"], replicas_["10.0.0.2"]);
    const Page second = Read({.order = order, .cursor = first.next, .limit = 10});
    EXPECT_THAT(second.incomplete, IsEmpty());
    std::vector<std::string> uids = UidsOf(first.rows);
    for (const std::string& uid : UidsOf(second.rows)) {
      uids.push_back(uid);
    }
    if (order == Order::kNewestFirst) {
      std::reverse(uids.begin(), uids.end());
    }
    EXPECT_THAT(uids, ElementsAre("a01", "b02", "a03", "b04", "a05", "b06"));
  }
}

TEST_F(FleetReaderTest, AReplicaThatVanishesBetweenPagesIsNamed) {
  TestReplica& a = Add("10.0.0.1");
  TestReplica& b = Add("10.0.0.2");
  a.Commit(At("a1", "01"));
  a.Commit(At("a3", "03"));
  b.Commit(At("b2", "02"));
  b.Commit(At("b4", "04"));
  const Page first = Read({.limit = 1});
  EXPECT_THAT(UidsOf(first.rows), ElementsAre("b4"));

  // The Service has it no more.
  Remove("10.0.0.2");
  const Page second = Read({.cursor = first.next, .limit = 1});
  EXPECT_THAT(UidsOf(second.rows), ElementsAre("a3"));
  EXPECT_THAT(second.incomplete, ElementsAre(Missing("log " + b.Log(), "no replica answers with this log")));

  // It has it, but there is no answer: the address is named, and not its log too.
  found_->push_back("10.0.0.2");
  Read({.limit = 1});
  Break("10.0.0.2");
  const Page third = Read({.cursor = first.next, .limit = 1});
  EXPECT_THAT(third.incomplete, ElementsAre(Missing("10.0.0.2", "took too long")));

  // Back again, it goes on where it was.
  Mend("10.0.0.2");
  const Page last = Read({.cursor = third.next, .limit = 10});
  EXPECT_THAT(UidsOf(last.rows), ElementsAre("b2", "a1"));
  EXPECT_EQ(last.next, "");
}

TEST_F(FleetReaderTest, NewestFirstALogThatBeganAfterTheFirstPageIsLeftOutAndNamed) {
  TestReplica& a = Add("10.0.0.1");
  a.Commit(At("a1", "01"));
  a.Commit(At("a2", "02"));
  TestReplica& b = Add("10.0.0.2");
  b.Commit(At("b0", "00"));
  const Page first = Read({.limit = 1});
  b.Begin();  // what was damaged was set aside
  b.Commit(At("new", "09"));
  Add("10.0.0.3").Commit(At("c0", "00"));
  const Page second = Read({.cursor = first.next, .limit = 10});
  EXPECT_THAT(UidsOf(second.rows), ElementsAre("a1"));
  EXPECT_THAT(second.incomplete, UnorderedElementsAre(Missing("10.0.0.2", "not there when the first page was read"),
                                                      Missing("10.0.0.3", "not there when the first page was read"),
                                                      Field(&Incomplete::replica, HasSubstr("log "))));
}

TEST_F(FleetReaderTest, ACursorThatIsNoneIsRefused) {
  Add("10.0.0.1");
  EXPECT_EQ(reader_->Read({.cursor = "nonsense"}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(reader_->Read({.limit = 0}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(Requests(), IsEmpty());
}

// ---- following

TEST_F(FleetReaderTest, FollowingBeginsAtTheEndAndTakesUpNewReplicas) {
  TestReplica& a = Add("10.0.0.1");
  a.Commit(At("old", "01"));
  Add("10.0.0.2");
  auto end = reader_->End();
  ASSERT_TRUE(end) << end.error().ToString();
  Page page = Read({.order = Order::kOldestFirst, .cursor = *end});
  EXPECT_THAT(page.rows, IsEmpty());

  const base::Time now = clock_.Now();
  replicas_["10.0.0.2"]->Commit({.uid = "b1", .time = now});
  a.Commit({.uid = "a1", .time = now + std::chrono::seconds(1)});
  TestReplica& c = Add("10.0.0.3");
  c.Commit({.uid = "long ago", .time = now - std::chrono::hours(1)});
  c.Commit({.uid = "c1", .time = now + std::chrono::seconds(2)});
  page = Read({.order = Order::kOldestFirst, .cursor = page.next});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("b1", "a1", "c1"));
  EXPECT_THAT(page.incomplete, IsEmpty());
  page = Read({.order = Order::kOldestFirst, .cursor = page.next});
  EXPECT_THAT(page.rows, IsEmpty());
  c.Commit({.uid = "c2", .time = now});
  page = Read({.order = Order::kOldestFirst, .cursor = page.next});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("c2"));
}

TEST_F(FleetReaderTest, FollowingGoesOnWhenAReplicaIsReplaced) {
  TestReplica& a = Add("10.0.0.1");
  a.Commit(At("old", "01"));
  Page page = Read({.order = Order::kOldestFirst});
  const std::string log = a.Log();
  a.Begin();
  a.Commit(At("new", "02"));
  page = Read({.order = Order::kOldestFirst, .cursor = page.next});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("new"));
  EXPECT_THAT(page.incomplete, ElementsAre(Missing("log " + log, "no replica answers")));
  page = Read({.order = Order::kOldestFirst, .cursor = page.next});
  EXPECT_THAT(page.incomplete, IsEmpty()) << "it is told of once";
}

// ---- summaries

TEST_F(FleetReaderTest, SummariesAreAddedUp) {
  TestReplica& a = Add("10.0.0.1");
  TestReplica& b = Add("10.0.0.2");
  Add("10.0.0.3");
  a.Commit(At("a1", "01"));
  b.Commit(At("b1", "02"));
  b.Commit({.uid = "b2", .decision = policy::DecisionKind::kAllowed});
  Break("10.0.0.3");
  const auto summary = reader_->Summarise({.namespace_name = "shop"});
  ASSERT_TRUE(summary) << summary.error().ToString();
  ASSERT_THAT(summary->hours, SizeIs(1));
  EXPECT_EQ(summary->hours[0].counts.denied, 2);
  EXPECT_EQ(summary->hours[0].counts.allowed, 1);
  ASSERT_THAT(summary->by_namespace, SizeIs(1));
  EXPECT_EQ(summary->by_namespace[0].counts.denied, 2);
  EXPECT_THAT(summary->incomplete, ElementsAre(Missing("10.0.0.3", "took too long")));
  EXPECT_THAT(Asked("/summary"), ElementsAre(HasSubstr("/audit/v1/summary?scope=replica&namespace=shop"), HasSubstr("namespace=shop")));
}

TEST_F(FleetReaderTest, ASummaryThatFailsIsNamed) {
  Add("10.0.0.1").Commit(At("a1", "01"));
  TestReplica& b = Add("10.0.0.2");
  Instead("10.0.0.2", [&](const http::Request& request) -> base::Result<http::Response> {
    return request.url.find("/summary") == std::string::npos ? b.Answer(request)
                                                             : support::JsonResponse(503, R"({"error":"took longer than 5 s"})");
  });
  const auto summary = reader_->Summarise({});
  ASSERT_TRUE(summary) << summary.error().ToString();
  EXPECT_EQ(summary->hours[0].counts.denied, 1);
  EXPECT_THAT(summary->incomplete, ElementsAre(Missing("10.0.0.2", "took longer than 5 s")));
}

// ---- the own log

class OwnLogTest : public FleetReaderTest {
 protected:
  OwnLogTest() : own_replica_(folder_ + "/own", clock_) {
    reader_ = std::make_unique<FleetReader>(WorldOf(), OwnLog{audit::OpenDatabaseReader(own_replica_.Database()).value(),
                                                              [](const std::string& address) { return address == "10.0.0.7"; }});
    found_->push_back("10.0.0.7");
  }

  TestReplica own_replica_;
};

TEST_F(OwnLogTest, IsReadWithoutTheNetwork) {
  own_replica_.Commit(At("own1", "01"));
  own_replica_.Commit(At("own3", "03"));
  Add("10.0.0.1").Commit(At("a2", "02"));
  const Page first = Read({.limit = 1});
  EXPECT_THAT(UidsOf(first.rows), ElementsAre("own3"));
  EXPECT_THAT(UidsOf(Read({.cursor = first.next}).rows), ElementsAre("a2", "own1"));
  EXPECT_THAT(UidsOf(Read({.order = Order::kOldestFirst}).rows), ElementsAre("own1", "a2", "own3"));
  const auto summary = reader_->Summarise({});
  ASSERT_TRUE(summary) << summary.error().ToString();
  EXPECT_EQ(summary->hours[0].counts.denied, 3);
  EXPECT_THAT(Asked("/summary"), SizeIs(1));
  EXPECT_TRUE(reader_->End());
}

TEST_F(OwnLogTest, IsShownWhenNobodyElseCanBeFoundOrBelieved) {
  own_replica_.Commit(At("own1", "01"));
  trust_error_ = base::Error{ErrorCode::kUnavailable, "the Secret cannot be read", ""};
  Page page = Read({});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("own1"));
  EXPECT_THAT(page.incomplete, ElementsAre(Missing("the other replicas", "the Secret")));
  trust_error_.reset();
  found_ = base::Fail(ErrorCode::kUnavailable, "resolving the name x: no");
  page = Read({});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("own1"));
  EXPECT_THAT(page.incomplete, ElementsAre(Missing("the other replicas", "resolving")));
}

TEST_F(OwnLogTest, IsNamedWhenItCannotBeRead) {
  Add("10.0.0.1").Commit(At("a1", "01"));
  std::filesystem::remove_all(folder_ + "/own");
  const Page page = Read({});
  EXPECT_THAT(UidsOf(page.rows), ElementsAre("a1"));
  EXPECT_THAT(page.incomplete, ElementsAre(Field(&Incomplete::replica, "this replica")));
}

// ---- bounds

TEST_F(FleetReaderTest, ManyReplicasAreAskedForFewerRowsEach) {
  for (int i = 0; i < 20; ++i) {
    Add("10.0.0." + std::to_string(i)).Commit(At("u" + std::to_string(i), "01"));
  }
  const Page page = Read({.limit = 1000});
  EXPECT_THAT(page.rows, SizeIs(20));
  std::size_t bytes = 0;
  for (const http::Request& request : Requests()) {
    EXPECT_THAT(request.url, HasSubstr("limit=200&"));
    bytes += request.max_response_bytes;
  }
  EXPECT_LE(bytes, kMaxFleetBytes);
}

TEST_F(FleetReaderTest, WhereRecordsAreLargeSoFewAreAskedForThatTheyFit) {
  for (int i = 0; i < 30; ++i) {
    Add("10.0.0." + std::to_string(i));
  }
  for (int i = 0; i < 40; ++i) {
    replicas_["10.0.0.3"]->Commit({.uid = "large" + std::to_string(i), .padding = std::string(60'000, 'p')});
  }
  std::set<std::string> uids;
  std::string cursor;
  do {
    const Page page = Read({.cursor = cursor, .limit = 100});
    EXPECT_THAT(page.incomplete, IsEmpty());
    for (const std::string& uid : UidsOf(page.rows)) {
      EXPECT_TRUE(uids.insert(uid).second) << uid;
    }
    cursor = page.next;
  } while (!cursor.empty());
  EXPECT_THAT(uids, SizeIs(40));
}

}  // namespace
}  // namespace cli
