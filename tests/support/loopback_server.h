// A server on a loopback port that does exactly what a test tells it to, wrong things too.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

#include "base/mutex.h"
#include "tests/support/test_certificates.h"

namespace support {

// One accepted connection, with blocking calls. For the thread of its handler.
class Peer {
 public:
  static constexpr std::size_t kMaxRequestBytes = std::size_t{1} << 20;

  explicit Peer(int fd) : fd_(fd) {}
  ~Peer();
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // False when the client refuses. Where `client_ca` is given, the client may show a certificate, which must be of that authority.
  bool StartTls(const TestCertificate& certificate, const std::string& client_ca = "");
  std::string ClientName() const;  // its certificate's common name; "" for none
  // Head and body (by Content-Length); "" when the client closed, or sent more than kMaxRequestBytes.
  std::string ReadRequest();
  bool Send(std::string_view text);
  void SendUntilClosed(std::string_view text);  // again and again
  void WaitForClose();
  bool IsClosedWithin(std::chrono::milliseconds time);  // or sends something more
  void Reset();                                         // ends TCP with RST when the handler returns
  void EndWithoutCloseNotify();                         // TLS cut short, TCP ended in order

 private:
  bool ReadMore();

  const int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string received_;
  bool cut_ = false;
};

enum class Loopback { kIpv4, kIpv6 };

class LoopbackServer {
 public:
  using Handler = std::function<void(Peer& peer, int connection)>;  // connections count from 0

  // Each connection is handled on a thread of its own; when the handler returns it is closed. Port 0: one that is free. The
  // process ends when the port cannot be had.
  explicit LoopbackServer(Handler handler, std::uint16_t port = 0, Loopback address = Loopback::kIpv4);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::string Url(std::string_view scheme, std::string_view target = "/", std::string_view host = "127.0.0.1") const;

 private:
  void Accept();

  const Handler handler_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  base::Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<int> open_ GUARDED_BY(mutex_);
  std::vector<std::thread> handlers_ GUARDED_BY(mutex_);
  std::thread acceptor_;  // last
};

// "HTTP/1.1 STATUS X", the headers ("A: b\r\n…") and a body with its length.
std::string Answer(int status, std::string_view body, std::string_view headers = "");

}  // namespace support
