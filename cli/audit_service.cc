#include "cli/audit_service.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "webhook/audit_target.h"

namespace cli {
namespace {

constexpr unsigned kRetrySoon = 1;  // seconds
// An API server that is away fails every request: one line tells it.
constexpr std::chrono::milliseconds kComplaintInterval = std::chrono::minutes(1);

// A reader that is opened when it is first asked, and anew after it has failed.
class ReopenedReader final : public audit::Reader {
 public:
  ReopenedReader(const AuditService::OpenReader& open, const base::Clock& clock) : open_(open), clock_(clock) {}

  base::Result<audit::Page> Read(const audit::Query& query) override {
    return Ask([&](audit::Reader& reader) { return reader.Read(query); });
  }
  base::Result<audit::Summary> Summarise(const audit::Filter& filter) override {
    return Ask([&](audit::Reader& reader) { return reader.Summarise(filter); });
  }
  base::Result<std::string> End() override {
    return Ask([](audit::Reader& reader) { return reader.End(); });
  }

 private:
  template <class Question>
  auto Ask(const Question& question) -> decltype(question(std::declval<audit::Reader&>())) {
    if (!reader_) {
      auto opened = open_(clock_);
      if (!opened) {
        // Whoever asks is not at fault, whatever the reason is called there.
        return base::Fail(base::ErrorCode::kUnavailable, std::move(opened.error().message), std::move(opened.error().remedy));
      }
      reader_ = *std::move(opened);
    }
    auto answer = question(*reader_);
    if (!answer && answer.error().code != base::ErrorCode::kInvalidArgument) {
      reader_.reset();
    }
    return answer;
  }

  const AuditService::OpenReader& open_;
  const base::Clock& clock_;
  std::unique_ptr<audit::Reader> reader_;
};

}  // namespace

AuditService::AuditService(Sources sources, webhook::Authorize authorize, const base::Clock& clock, base::Log log)
    : sources_(std::move(sources)),
      authorize_(std::move(authorize)),
      clock_(clock),
      log_(std::move(log)),
      complaints_(1, kComplaintInterval) {
  for (std::size_t i = 0; i < kQueryThreads + (sources_.cluster ? kFleetQueries : 0); ++i) {
    threads_.emplace_back([this] { Run(); });
  }
}

AuditService::~AuditService() { Stop(); }

void AuditService::Ask(webhook::AuditRequest request, std::function<void(webhook::AuditAnswer)> done) {
  webhook::AuditAnswer refusal;
  const bool of_all = AsksOthers(request);
  {
    base::MutexLock lock(mutex_);
    if (!peers_.Take(request.peer, clock_.Monotonic())) {
      refusal = webhook::AuditError(429, "too many requests from this address; wait a little", kRetrySoon);
    } else if (stop_ || jobs_.size() >= kMaxWaitingQueries) {
      refusal = webhook::AuditError(503, "too many queries at a time", kRetrySoon);
    } else {
      jobs_.push_back({std::move(request), std::move(done), of_all});
      changed_.NotifyAll();
      return;
    }
  }
  done(std::move(refusal));
}

void AuditService::Stop() {
  {
    base::MutexLock lock(mutex_);
    stop_ = true;
    jobs_.clear();
    changed_.NotifyAll();
  }
  clock_.End();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) {
      thread.join();
    }
  }
}

void AuditService::Run() {
  pthread_setname_np(pthread_self(), "audit-query");
  ReopenedReader replica(sources_.replica, clock_);
  ReopenedReader cluster(sources_.cluster, clock_);
  while (true) {
    Job job;
    {
      base::MutexLock lock(mutex_);
      auto next = NextJob();
      while (!stop_ && next == jobs_.end()) {
        changed_.Wait(mutex_);
        next = NextJob();
      }
      if (stop_) {
        return;
      }
      job = std::move(*next);
      jobs_.erase(next);
      asking_others_ += job.of_all ? 1 : 0;
    }
    if (clock_.Monotonic() < job.request.deadline) {
      job.done(AnswerOne(job.request, replica, sources_.cluster ? cluster : replica));
    }
    if (job.of_all) {
      base::MutexLock lock(mutex_);
      --asking_others_;
      changed_.NotifyAll();
    }
  }
}

bool AuditService::AsksOthers(const webhook::AuditRequest& request) const {
  if (!sources_.cluster) {
    return false;
  }
  const auto question = webhook::ParseAuditTarget(request.target, clock_.Now());
  return question && !question->replica_only;
}

std::deque<AuditService::Job>::iterator AuditService::NextJob() {
  return std::find_if(jobs_.begin(), jobs_.end(),
                      [&](const Job& job) REQUIRES(mutex_) { return !job.of_all || asking_others_ < kFleetQueries; });
}

webhook::AuditAnswer AuditService::AnswerOne(const webhook::AuditRequest& request, audit::Reader& replica, audit::Reader& cluster) {
  bool counted = false;
  const auto authorize = [&](std::string_view /*token*/, std::string_view verb, std::string_view namespace_name) {
    return AuthorizeWithin(request, verb, namespace_name, counted);
  };
  return webhook::Answer(request, {replica, cluster, sources_.cluster_name}, authorize, clock_.Now());
}

webhook::Authorization AuditService::AuthorizeWithin(const webhook::AuditRequest& request, std::string_view verb,
                                                     std::string_view namespace_name, bool& counted) {
  using Kind = webhook::Authorization::Kind;
  webhook::Authorization answer = authorize_(request.token, verb, namespace_name);
  if (answer.kind == Kind::kUnknown) {
    LogUnknown(answer.reason);
  }
  if ((answer.kind == Kind::kAllowed || answer.kind == Kind::kForbidden) && !std::exchange(counted, true)) {
    base::MutexLock lock(mutex_);
    if (!users_.Take(answer.user, clock_.Monotonic())) {
      answer.kind = Kind::kTooMany;
    }
  }
  return answer;
}

void AuditService::LogUnknown(const std::string& reason) {
  {
    base::MutexLock lock(mutex_);
    if (!complaints_.Take(clock_.Monotonic())) {
      return;
    }
  }
  log_(base::LogLevel::kWarning, "audit API: whether a caller may read the audit log is not known, and it was refused: " + reason);
}

bool AuditService::Rates::Take(const std::string& name, std::chrono::steady_clock::time_point now) {
  if (buckets_.Find(name) == nullptr) {
    buckets_.Put(name, fresh_);
  }
  return buckets_.Find(name)->Take(now);
}

}  // namespace cli
