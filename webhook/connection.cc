#include "webhook/connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/http/error.hpp>

#include "webhook/review_decoder.h"
#include "webhook/worker.h"

namespace webhook {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// Steps that a connection may take before it is another's turn: 16 records are 256 KiB.
constexpr int kStepsPerTurn = 16;

// A body is paid for in pieces as it comes, so that a length which is only claimed takes nothing from others.
constexpr std::size_t kBodyPiece = 64 * 1024;

// An answer that goes out with its head in one TLS record.
constexpr std::size_t kSmallAnswer = 15 * 1024;

}  // namespace

Connection::Connection(Worker& worker, asio::ip::tcp::socket socket, std::string peer)
    : worker_(worker), stream_(std::move(socket)), peer_(std::move(peer)) {}

Connection::~Connection() = default;

void Connection::Start(ConnectionTable::Ticket ticket) {
  ticket_ = ticket;
  boost::system::error_code ignored;
  stream_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  Enter(Phase::kHandshake, worker_.limits().handshake);
  Resume();
}

void Connection::Stop() {
  if (phase_ == Phase::kHandshake || (phase_ == Phase::kIdle && IsNew())) {
    deadline_ = std::min(deadline_, std::chrono::steady_clock::now() + worker_.limits().first_request_at_stop);
  } else if (phase_ == Phase::kIdle) {
    boost::system::error_code ignored;
    stream_.socket().cancel(ignored);  // looks once more for a request, then closes: see Run
  }
}

void Connection::Evict() {
  asio::post(worker_.context(), [self = shared_from_this()] {
    if (self->phase_ == Phase::kClosed) {
      return;
    }
    self->worker_.metrics().Count(RefusedConnection::kEvicted);
    if (self->answered_ && self->phase_ != Phase::kIdle) {
      self->evicted_ = true;  // it is asking something: closed with the answer
    } else {
      self->Close();
    }
  });
}

void Connection::MissDeadline() {
  MetricsShard& metrics = worker_.metrics();
  switch (phase_) {
    case Phase::kHandshake:
      metrics.Count(RefusedConnection::kHandshakeDeadline);
      break;
    case Phase::kIdle:
      if (IsNew()) {
        metrics.Count(RefusedConnection::kNoRequest);
      }
      break;
    case Phase::kHead:
      metrics.Count(RefusedRequest::kHeadDeadline);
      break;
    case Phase::kBody:
      metrics.Count(RefusedRequest::kBodyDeadline);
      break;
    case Phase::kWrite:
      if (!audit_) {
        metrics.Count(RefusedRequest::kWriteDeadline);
      }
      break;
    case Phase::kConfirming:
    case Phase::kQuerying:
    case Phase::kDeciding:
    case Phase::kLinger:
    case Phase::kClosed:
      break;
  }
  Close();
}

void Connection::Run() {
  for (int steps = 0; steps < kStepsPerTurn; ++steps) {
    switch (Step()) {
      case Next::kGoOn:
        break;
      case Next::kWaitRead:
        if (phase_ == Phase::kIdle && worker_.stopping() && !IsNew()) {
          return Close();
        }
        return Wait(asio::ip::tcp::socket::wait_read);
      case Next::kWaitWrite:
        return Wait(asio::ip::tcp::socket::wait_write);
      case Next::kPark:
        return;
      case Next::kClose:
        return Close();
    }
  }
  asio::post(worker_.context(), [self = shared_from_this()] { self->Run(); });
}

void Connection::Wait(asio::ip::tcp::socket::wait_type type) {
  stream_.socket().async_wait(type, [self = shared_from_this()](const boost::system::error_code&) { self->Resume(); });
}

void Connection::Resume() {
  if (phase_ == Phase::kHandshake) {
    worker_.handshakes().Add([self = shared_from_this()] { self->Run(); });
  } else {
    Run();
  }
}

Connection::Next Connection::Step() {
  switch (phase_) {
    case Phase::kHandshake:
      return Handshake();
    case Phase::kIdle:
    case Phase::kHead:
    case Phase::kBody:
      return Receive();
    case Phase::kWrite:
      return Write();
    case Phase::kLinger:
      return Linger();
    case Phase::kConfirming:
    case Phase::kQuerying:
    case Phase::kDeciding:
    case Phase::kClosed:
      break;
  }
  return Next::kPark;
}

Connection::Next Connection::Handshake() {
  switch (stream_.Handshake(worker_.tls())) {
    case TlsStream::Status::kWantRead:
      return Next::kWaitRead;
    case TlsStream::Status::kWantWrite:
      return Next::kWaitWrite;
    case TlsStream::Status::kDone:
      break;
    case TlsStream::Status::kEnded:
    case TlsStream::Status::kFailed:
      worker_.metrics().handshake_failures.Add();
      return Next::kClose;
  }
  if (worker_.tls().asks_for_client_certificate()) {
    client_certificate_ = VerifiedClient(stream_.ssl());
  }
  BecomeIdle();
  return stream_.HasPending() ? Next::kGoOn : Next::kWaitRead;
}

Connection::Next Connection::Receive() {
  if (!input_.empty() && !starved_) {
    const std::string data = std::exchange(input_, {});
    return Parse(data);
  }
  std::size_t size = 0;
  switch (stream_.Read(worker_.scratch(), &size)) {
    case TlsStream::Status::kDone:
      break;
    case TlsStream::Status::kWantRead:
      return Next::kWaitRead;
    case TlsStream::Status::kWantWrite:
      return Next::kWaitWrite;
    case TlsStream::Status::kEnded:
      return Truncated(/*may_answer=*/true);
    case TlsStream::Status::kFailed:
      return Truncated(/*may_answer=*/false);
  }
  starved_ = false;
  const std::string_view fresh(worker_.scratch().data(), size);
  if (input_.empty()) {
    return Parse(fresh);
  }
  const std::string data = std::exchange(input_, {}).append(fresh);
  return Parse(data);
}

Connection::Next Connection::Truncated(bool may_answer) {
  if (phase_ == Phase::kIdle) {
    return Next::kClose;  // the end of every orderly connection
  }
  if (may_answer) {
    return Refuse({RefusedRequest::kTruncated, 400, "the request ended before its time", {}});
  }
  worker_.metrics().Count(RefusedRequest::kTruncated);
  return Next::kClose;
}

Connection::Next Connection::Parse(std::string_view data) {
  if (phase_ == Phase::kIdle) {
    Enter(Phase::kHead, worker_.limits().head);
    began_ = worker_.shared().inputs.clock.Monotonic();
    parser_ = std::make_unique<Parser>();
    parser_->header_limit(static_cast<std::uint32_t>(worker_.limits().head_bytes));
    parser_->body_limit(worker_.shared().most_body_bytes);
    head_read_ = 0;
  }
  if (phase_ == Phase::kBody && !PayForBody(parser_->get().body().size() + data.size())) {
    return Refuse({RefusedRequest::kBodiesInFlight, 503, "too many large requests at a time", {}, /*retry_after=*/true});
  }
  boost::system::error_code error;
  const std::size_t parsed = parser_->put(asio::buffer(data.data(), data.size()), error);
  data.remove_prefix(parsed);
  if (phase_ == Phase::kHead) {
    head_read_ += parsed;
  }
  input_.assign(data);

  const std::size_t pending = phase_ == Phase::kHead ? head_read_ + data.size() : data.size();
  if (error == http::error::need_more) {
    starved_ = true;
    if (pending <= worker_.limits().head_bytes) {  // also of what stands between two chunks
      return Next::kGoOn;
    }
    error = http::error::header_limit;
  }
  if (error) {
    return RefuseParse(error);
  }
  if (phase_ == Phase::kHead) {
    return parser_->is_header_done() ? TakeHead() : Next::kGoOn;
  }
  return parser_->is_done() ? Decide() : Next::kGoOn;
}

Connection::Next Connection::RefuseParse(const boost::system::error_code& error) {
  if (error == http::error::body_limit) {
    return Refuse(
        {RefusedRequest::kBodyTooLarge, 413, "the body is larger than " + std::to_string(worker_.shared().most_body_bytes) + " bytes", {}});
  }
  if (error == http::error::header_limit) {
    return Refuse(
        {RefusedRequest::kHeadTooLarge, 431, "the head is larger than " + std::to_string(worker_.limits().head_bytes) + " bytes", {}});
  }
  const bool body = phase_ == Phase::kBody;
  return Refuse({body ? RefusedRequest::kBadBody : RefusedRequest::kBadHead, 400, "this is no HTTP request: " + error.message(), {}});
}

Connection::Next Connection::TakeHead() {
  const std::size_t audit_target_bytes = worker_.shared().inputs.audit_api ? worker_.limits().audit_target_bytes : 0;
  auto judged = JudgeHead(parser_->get().base(), parser_->keep_alive(), audit_target_bytes);
  if (!judged) {
    return Refuse(judged.error());
  }
  if (judged->audit) {  // by its token it is known who asks: no client certificate is needed
    head_ = *std::move(judged);
    return AskAudit(*std::exchange(head_.audit, std::nullopt));
  }
  if (worker_.tls().asks_for_client_certificate() && client_certificate_.empty()) {
    return Refuse({RefusedRequest::kUnauthorized, 401, "a client certificate of the configured authority is needed", {}});
  }
  const auto length = parser_->content_length();
  if (length && !worker_.shared().bodies.Fits(*length)) {
    return Refuse({RefusedRequest::kBodiesInFlight, 503, "too many large requests at a time", {}, /*retry_after=*/true});
  }
  head_ = *judged;
  Enter(Phase::kBody, worker_.limits().body);
  if (length) {
    parser_->get().body().reserve(static_cast<std::size_t>(*length) + kBodyPadding);
  }
  if (parser_->is_done()) {
    return Decide();
  }
  if (head_.expects_continue && input_.empty()) {
    output_ = "HTTP/1.1 100 Continue\r\n\r\n";
    interim_ = true;
    Enter(Phase::kWrite, worker_.limits().write);
  }
  return Next::kGoOn;
}

bool Connection::PayForBody(std::size_t bytes) {
  if (bytes <= body_taken_) {
    return true;
  }
  std::size_t enough = body_taken_ == 0 ? bytes : body_taken_ + kBodyPiece;
  if (const auto length = parser_->content_length(); length) {
    enough = std::min(enough, static_cast<std::size_t>(*length));
  }
  const std::size_t more = std::max(bytes, enough) - body_taken_;
  if (!worker_.shared().bodies.Take(more)) {
    return false;
  }
  body_taken_ += more;
  worker_.metrics().body_bytes.Add(more);
  return true;
}

void Connection::ReleaseBody() {
  parser_.reset();
  worker_.shared().bodies.Release(body_taken_);
  worker_.metrics().body_bytes.Subtract(body_taken_);
  body_taken_ = 0;
}

Connection::Next Connection::Decide() {
  received_ = worker_.shared().inputs.clock.Monotonic();
  if (head_.timeout && received_ - began_ >= *head_.timeout) {
    return Refuse({RefusedRequest::kCallerTimeout, 503, "the caller's timeout is over", {}, /*retry_after=*/true});
  }
  const std::chrono::nanoseconds time = TimeToConfirm();
  Outcome outcome = Judge(time.count() > 0 ? Denial::kMayWait : Denial::kFinal);
  return outcome.needs_fresh.empty() ? Conclude(std::move(outcome)) : Confirm(std::move(outcome.needs_fresh), time);
}

Outcome Connection::Judge(Denial denial) {
  const auto& state = worker_.state();
  if (!state) {
    worker_.metrics().Count(RefusedRequest::kNotReady);
    return {503, ErrorBody("the policy is not loaded yet"), std::nullopt};
  }
  std::string& body = parser_->get().body();
  const Caller caller{peer_, client_certificate_};
  if (body.size() <= worker_.limits().large_body_bytes) {
    return worker_.handler().Handle(*state, body, caller, denial);
  }
  base::MutexLock lock(worker_.shared().large_body);
  return worker_.handler().Handle(*state, body, caller, denial);
}

std::chrono::nanoseconds Connection::TimeToConfirm() const {
  if (!worker_.shared().inputs.freshen || worker_.stopping()) {
    return std::chrono::nanoseconds(0);
  }
  const std::chrono::nanoseconds most = worker_.limits().confirm;
  return head_.timeout ? std::min(most, *head_.timeout - (received_ - began_) - worker_.limits().confirm_margin) : most;
}

Connection::Next Connection::Confirm(std::vector<std::string> login_servers, std::chrono::nanoseconds time) {
  phase_ = Phase::kConfirming;
  deadline_ = std::chrono::steady_clock::time_point::max();  // the wait has a timer of its own
  const auto deadline = std::chrono::steady_clock::now() + time;
  confirmation_ = worker_.confirmations().Begin(
      deadline,
      [&](std::function<void(FreshFacts)> done) {
        worker_.shared().inputs.freshen(std::move(login_servers), deadline, [done = std::move(done)] { done({}); });
      },
      [self = shared_from_this(), since = worker_.shared().inputs.clock.Monotonic()](std::optional<FreshFacts> facts) {
        self->Confirmed(facts.has_value(), since);
      });
  return Next::kPark;
}

void Connection::Confirmed(bool in_time, std::chrono::steady_clock::time_point since) {
  MetricsShard& metrics = worker_.metrics();
  metrics.confirmation_duration.Observe(worker_.shared().inputs.clock.Monotonic() - since);
  Outcome outcome = Judge(Denial::kFinal);
  if (in_time) {
    metrics.Count(outcome.denied ? Confirmation::kDenied : Confirmation::kAllowed);
  } else {
    metrics.Count(Confirmation::kLate);
  }
  Conclude(std::move(outcome));
  Run();
}

Connection::Next Connection::Conclude(Outcome outcome) {
  ReleaseBody();
  phase_ = Phase::kDeciding;
  deadline_ = std::chrono::steady_clock::time_point::max();  // ours to keep: it ends with this turn of the loop
  if (outcome.record) {
    worker_.AnswerWhenRecorded(shared_from_this(), std::move(outcome));
    return Next::kPark;
  }
  return Send({.status = outcome.status,
               .body = std::move(outcome.body),
               .retry_after = outcome.status == 503 ? 1U : 0U,
               .close = !head_.keep_alive});
}

void Connection::Answer(Outcome outcome) {
  if (phase_ != Phase::kDeciding) {
    return;  // closed meanwhile
  }
  Send({.status = outcome.status, .body = std::move(outcome.body), .close = !head_.keep_alive});
  Run();
}

Connection::Next Connection::Refuse(const Refusal& refusal) {
  const bool omit_body = parser_ && parser_->is_header_done() && parser_->get().method() == http::verb::head;
  ReleaseBody();
  received_ = worker_.shared().inputs.clock.Monotonic();
  HttpAnswer answer{.status = refusal.status,
                    .body = ErrorBody(refusal.message),
                    .allow = refusal.allow,
                    .retry_after = refusal.retry_after ? 1U : 0U,
                    .challenge = refusal.challenge,
                    .close = true,  // where the next request would begin is not known
                    .omit_body = omit_body};
  if (refusal.audit) {
    audit_ = refusal.audit;
    return SendAudit(std::move(answer));
  }
  worker_.metrics().Count(refusal.reason);
  return Send(std::move(answer));
}

Connection::Next Connection::AskAudit(AuditRequest request) {
  ReleaseBody();
  received_ = worker_.shared().inputs.clock.Monotonic();
  audit_ = AuditEndpointOf(request.target);
  audit_slot_ = worker_.shared().audit_slots.Take();
  if (!audit_slot_) {
    return SendAudit({.status = 503, .body = ErrorBody("too many queries at a time"), .retry_after = 1, .close = !head_.keep_alive});
  }
  worker_.metrics().audit_requests.Add();
  request.peer = peer_;
  request.deadline = std::chrono::steady_clock::now() + worker_.limits().audit;
  phase_ = Phase::kQuerying;
  deadline_ = std::chrono::steady_clock::time_point::max();  // the wait has a timer of its own
  query_ = worker_.queries().Begin(
      request.deadline,
      [&](std::function<void(AuditAnswer)> done) { worker_.shared().inputs.audit_api(std::move(request), std::move(done)); },
      [self = shared_from_this()](std::optional<AuditAnswer> answer) { self->AuditAnswered(std::move(answer)); });
  return Next::kPark;
}

void Connection::AuditAnswered(std::optional<AuditAnswer> answer) {
  if (!answer) {
    answer = AuditError(503, "the audit log did not answer in time; narrow the query with since, or try again", /*retry_after=*/1);
  }
  SendAudit({.status = answer->status,
             .body = std::move(answer->body),
             .retry_after = answer->retry_after,
             .challenge = answer->challenge,
             .close = !head_.keep_alive});
  Run();
}

Connection::Next Connection::SendAudit(HttpAnswer answer) {
  asked_audit_ = true;
  answer.no_store = true;
  answer.close = answer.close || IsLast();
  worker_.metrics().CountAuditAnswer(*audit_, answer.status, worker_.shared().inputs.clock.Monotonic() - received_);
  if (answer.body.size() <= kSmallAnswer) {
    output_ = Serialize(answer);
  } else {
    output_ = SerializeHead(answer);
    rest_ = std::move(answer.body);  // large, and this thread has admissions to answer: not copied
  }
  close_after_write_ = answer.close;
  Enter(Phase::kWrite, worker_.limits().write);
  return Next::kGoOn;
}

bool Connection::IsLast() const { return evicted_ || worker_.shared().draining.load(std::memory_order_relaxed); }

void Connection::ReleaseAudit() {
  if (audit_slot_) {
    audit_slot_ = {};
    worker_.metrics().audit_requests.Subtract(1);
  }
}

Connection::Next Connection::Send(HttpAnswer answer) {
  audit_.reset();
  answer.close = answer.close || IsLast();
  if (answer.status == 200 && !answered_) {
    answered_ = true;
    worker_.shared().connections.Answered(ticket_);
  }
  output_ = Serialize(answer);
  close_after_write_ = answer.close;
  worker_.metrics().CountAnswer(answer.status, worker_.shared().inputs.clock.Monotonic() - received_);
  Enter(Phase::kWrite, worker_.limits().write);
  return Next::kGoOn;
}

Connection::Next Connection::Write() {
  std::size_t size = 0;
  switch (stream_.Write(std::string_view(output_).substr(written_), &size)) {
    case TlsStream::Status::kDone:
      break;
    case TlsStream::Status::kWantRead:
      return Next::kWaitRead;
    case TlsStream::Status::kWantWrite:
      return Next::kWaitWrite;
    case TlsStream::Status::kEnded:
    case TlsStream::Status::kFailed:
      return Next::kClose;
  }
  written_ += size;
  if (written_ - paid_ >= worker_.limits().write_piece) {
    paid_ = written_;
    Enter(Phase::kWrite, worker_.limits().write);
  }
  if (written_ < output_.size()) {
    return Next::kGoOn;
  }
  written_ = 0;
  paid_ = 0;
  output_ = std::exchange(rest_, {});
  if (!output_.empty()) {
    return Next::kGoOn;
  }
  ReleaseAudit();
  if (std::exchange(interim_, false)) {
    Enter(Phase::kBody, worker_.limits().body);
    return Next::kGoOn;
  }
  if (close_after_write_) {
    stream_.EndWrites();
    input_ = {};
    Enter(Phase::kLinger, worker_.limits().linger);
    return Next::kGoOn;
  }
  BecomeIdle();
  return !input_.empty() || stream_.HasPending() ? Next::kGoOn : Next::kWaitRead;
}

Connection::Next Connection::Linger() {
  switch (stream_.Discard(worker_.scratch())) {
    case TlsStream::Status::kDone:
      return Next::kGoOn;
    case TlsStream::Status::kWantRead:
      return Next::kWaitRead;
    default:
      return Next::kClose;
  }
}

void Connection::BecomeIdle() {
  starved_ = false;
  const Limits& limits = worker_.limits();
  Enter(Phase::kIdle, answered_ ? limits.idle : worker_.stopping() ? limits.first_request_at_stop : limits.first_request);
}

void Connection::Enter(Phase phase, std::chrono::milliseconds limit) {
  phase_ = phase;
  deadline_ = std::chrono::steady_clock::now() + limit;
}

void Connection::Close() {
  if (phase_ == Phase::kClosed) {
    return;
  }
  phase_ = Phase::kClosed;
  worker_.confirmations().Cancel(confirmation_);
  worker_.queries().Cancel(query_);
  ReleaseBody();
  ReleaseAudit();
  input_ = {};
  output_ = {};
  rest_ = {};
  stream_.Close();
  worker_.shared().connections.Close(ticket_);
  worker_.Remove(shared_from_this());
}

}  // namespace webhook
