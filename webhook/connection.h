// One client's connection: a state machine that a worker's loop drives.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "webhook/audit_slots.h"
#include "webhook/connection_table.h"
#include "webhook/handler.h"
#include "webhook/request_head.h"
#include "webhook/tls_stream.h"

namespace webhook {

class Worker;

// For the worker's thread, but for the constructor and Evict. Alive while its worker holds it or something that it waits
// for may still come.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `peer`: the client's address without port.
  Connection(Worker& worker, boost::asio::ip::tcp::socket socket, std::string peer);
  ~Connection();

  void Start(ConnectionTable::Ticket ticket);
  void Answer(Outcome outcome);  // what was decided, once it is recorded
  void Stop();                   // the server ends: closes when idle, else after the answer. A new one may ask once more
  void Evict();                  // any thread: another connection needs the room

  std::chrono::steady_clock::time_point deadline() const { return deadline_; }
  void MissDeadline();

 private:
  enum class Phase {
    kHandshake,
    kIdle,        // between requests
    kHead,        // some of a head is there
    kBody,        // the head is accepted
    kConfirming,  // a denial, until there are fresher facts or the time is over
    kQuerying,    // the audit API is asked, and has not answered
    kDeciding,    // until the decision is recorded
    kWrite,
    kLinger,  // the last answer is out; what arrives is discarded until the client closes
    kClosed,
  };
  enum class Next { kGoOn, kWaitRead, kWaitWrite, kPark, kClose };

  void Resume();  // what it has waited for is there
  void Run();
  Next Step();
  Next Handshake();
  Next Receive();
  Next Parse(std::string_view data);
  Next TakeHead();
  bool PayForBody(std::size_t bytes);  // of the budget; false when it is spent
  Next Decide();
  Outcome Judge(Denial denial);
  std::chrono::nanoseconds TimeToConfirm() const;  // not positive: a denial is final
  Next Confirm(std::vector<std::string> login_servers, std::chrono::nanoseconds time);
  void Confirmed(bool in_time, std::chrono::steady_clock::time_point since);
  Next Conclude(Outcome outcome);
  Next AskAudit(AuditRequest request);
  void AuditAnswered(std::optional<AuditAnswer> answer);
  Next Write();
  Next Linger();

  Next Refuse(const Refusal& refusal);
  Next RefuseParse(const boost::system::error_code& error);
  Next Truncated(bool may_answer);
  Next Send(HttpAnswer answer);
  Next SendAudit(HttpAnswer answer);
  bool IsNew() const { return !answered_ && !asked_audit_; }
  bool IsLast() const;  // the connection ends with this answer, whatever it is
  void ReleaseAudit();
  void BecomeIdle();
  void Enter(Phase phase, std::chrono::milliseconds limit);
  void ReleaseBody();
  void Wait(boost::asio::ip::tcp::socket::wait_type type);
  void Close();

  Worker& worker_;
  TlsStream stream_;
  const std::string peer_;
  std::string client_certificate_;
  ConnectionTable::Ticket ticket_ = 0;
  Phase phase_ = Phase::kHandshake;
  std::chrono::steady_clock::time_point deadline_{};
  bool evicted_ = false;      // another has its place: closes with its answer
  bool answered_ = false;     // a review was, on this connection
  bool asked_audit_ = false;  // it has asked the audit API

  // The request that is being read. A connection that waits holds none of it.
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  std::unique_ptr<Parser> parser_;
  std::string input_;          // read, not yet parsed
  bool starved_ = false;       // input_ is not enough to go on
  std::size_t head_read_ = 0;  // bytes of the head that the parser has taken
  RequestHead head_;
  std::size_t body_taken_ = 0;                        // from the body budget
  std::chrono::steady_clock::time_point began_{};     // its first byte was there, by the server's clock
  std::chrono::steady_clock::time_point received_{};  // its last was
  std::uint64_t confirmation_ = 0;                    // of the denial that waited last
  std::uint64_t query_ = 0;                           // of the audit API, that waited last
  std::optional<AuditEndpoint> audit_;                // it is the audit API that is asked, or answers
  AuditSlots::Slot audit_slot_;                       // held until the answer is written

  std::string output_;
  std::string rest_;  // follows output_
  std::size_t written_ = 0;
  std::size_t paid_ = 0;  // bytes up to which Limits::write has begun anew
  bool close_after_write_ = false;
  bool interim_ = false;  // output_ is "100 Continue"
};

}  // namespace webhook
