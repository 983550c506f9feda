#include "webhook/health_server.h"

#include <algorithm>
#include <array>
#include <utility>

#include <malloc.h>

#include <boost/asio/write.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include "webhook/address.h"
#include "webhook/http_answer.h"
#include "webhook/worker.h"

namespace webhook {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

namespace {

// Freed memory goes back to the system while hardly anything happens: a thousand connections leave 80 MB behind, and
// returning them holds the allocator's locks for milliseconds.
constexpr std::chrono::minutes kTrimInterval{1};
constexpr std::uint64_t kIdleAnswers = 60;  // in that time

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kExposition = "text/plain; version=0.0.4; charset=utf-8";

HttpAnswer Text(unsigned status, std::string body) {
  return {.status = status, .content_type = kText, .body = std::move(body), .close = true};
}

HttpAnswer Ready(const HealthInputs& inputs) {
  const std::string not_ready = inputs.not_ready();
  std::string body = not_ready.empty() ? "ready" : "not ready";
  for (const std::string& lines : {not_ready, inputs.notes()}) {
    if (!lines.empty()) {
      body.append("\n").append(lines, 0, lines.find_last_not_of('\n') + 1);
    }
  }
  return Text(not_ready.empty() ? 200 : 503, body + "\n");
}

HttpAnswer Route(const HealthInputs& inputs, http::verb method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  if (path != "/livez" && path != "/readyz" && path != "/metrics") {
    return Text(404, "there are /livez, /readyz and /metrics\n");
  }
  if (method != http::verb::get && method != http::verb::head) {
    HttpAnswer answer = Text(405, "only GET and HEAD\n");
    answer.allow = "GET, HEAD";
    return answer;
  }
  HttpAnswer answer = path == "/livez" ? Text(200, "ok\n") : path == "/readyz" ? Ready(inputs) : Text(200, inputs.metrics.Expose());
  if (path == "/metrics") {
    answer.content_type = kExposition;
  }
  answer.omit_body = method == http::verb::head;
  return answer;
}

}  // namespace

// One request, one answer. Alive while something that it waits for may still come.
class HealthServer::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(HealthServer& server, tcp::socket socket) : server_(server), socket_(std::move(socket)), deadline_(server.context_) {
    parser_.header_limit(kHeadBytes);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void Start() {
    deadline_.expires_after(server_.limits_.health_request);
    deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
      if (const auto self = weak.lock(); self && !error) {
        self->Close();
      }
    });
    Read();
  }

  void Close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

 private:
  static constexpr std::size_t kHeadBytes = 4096;

  void Read() {
    socket_.async_read_some(asio::buffer(buffer_.data() + used_, buffer_.size() - used_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                              if (!error) {
                                self->used_ += size;
                                self->Parse();
                              }
                            });
  }

  void Parse() {
    boost::system::error_code error;
    const std::size_t parsed = parser_.put(asio::buffer(buffer_.data(), used_), error);
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(parsed), buffer_.begin() + static_cast<std::ptrdiff_t>(used_), buffer_.begin());
    used_ -= parsed;
    if (error == http::error::need_more && used_ < buffer_.size()) {
      return Read();
    }
    if (error) {
      return Write(Text(400, "this is no HTTP request that is answered here\n"));
    }
    const auto target = parser_.get().target();
    Write(Route(server_.inputs_, parser_.get().method(), {target.data(), target.size()}));
  }

  void Write(const HttpAnswer& answer) {
    output_ = Serialize(answer);
    asio::async_write(socket_, asio::buffer(output_), [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
      if (!error) {
        boost::system::error_code ignored;
        self->socket_.shutdown(tcp::socket::shutdown_send, ignored);
        self->Linger();
      }
    });
  }

  // Until the client closes: a close with unread input would reset what it has not read yet.
  void Linger() {
    socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
      if (!error) {
        self->Linger();
      }
    });
  }

  HealthServer& server_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  http::request_parser<http::empty_body> parser_;
  std::array<char, kHeadBytes> buffer_{};
  std::size_t used_ = 0;
  std::string output_;
};

base::Result<std::unique_ptr<HealthServer>> HealthServer::Start(const std::string& address, const Limits& limits, HealthInputs inputs) {
  std::unique_ptr<HealthServer> self(new HealthServer(limits, std::move(inputs)));
  auto acceptor = Listen(self->context_, address, "health.address");
  if (!acceptor) {
    return tl::unexpected(acceptor.error());
  }
  self->acceptor_ = std::move(*acceptor);
  self->port_ = self->acceptor_.local_endpoint().port();
  self->AcceptNext();
  self->TrimMemory();
  self->thread_ = std::thread([&server = *self] {
    PrepareThread("health");
    server.context_.run();
  });
  return self;
}

HealthServer::HealthServer(const Limits& limits, HealthInputs inputs)
    : limits_(limits), inputs_(std::move(inputs)), acceptor_(context_), backoff_(context_), trim_(context_) {}

HealthServer::~HealthServer() {
  context_.stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void HealthServer::AcceptNext() {
  acceptor_.async_accept([this](const boost::system::error_code& error, tcp::socket socket) {
    if (!error || error == asio::error::connection_aborted) {
      if (!error) {
        Admit(std::move(socket));
      }
      return AcceptNext();
    }
    backoff_.expires_after(limits_.accept_backoff);
    backoff_.async_wait([this](const boost::system::error_code&) { AcceptNext(); });
  });
}

// At the cap the oldest makes room: whoever holds connections open must not keep the kubelet's probe out.
void HealthServer::Admit(tcp::socket socket) {
  std::erase_if(open_, [](const auto& session) { return session.expired(); });
  if (open_.size() >= limits_.health_connections) {
    if (const auto oldest = open_.front().lock()) {
      oldest->Close();
    }
    open_.pop_front();
  }
  const auto session = std::make_shared<Session>(*this, std::move(socket));
  open_.push_back(session);
  session->Start();
}

void HealthServer::TrimMemory() {
  trim_.expires_after(kTrimInterval);
  trim_.async_wait([this](const boost::system::error_code&) {
    const std::uint64_t answers = inputs_.metrics.Answers();
    if (answers - std::exchange(answers_before_, answers) < kIdleAnswers) {
      malloc_trim(0);
    }
    TrimMemory();
  });
}

}  // namespace webhook
