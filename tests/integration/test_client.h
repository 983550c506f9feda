// A TLS client that can misbehave: what it sends, and when, is up to the test. Waits for the server on its socket, at most
// kPatience, and fails the test after that.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "tests/support/test_certificates.h"

namespace support {

inline constexpr std::chrono::seconds kPatience{30};

struct Answer {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  bool Has(const std::string& header) const { return headers.contains(header); }
};

struct ClientOptions {
  std::string source;  // address to connect from, "" any: Linux has all of 127.0.0.0/8
  const TestCertificate* certificate = nullptr;
  int most_tls_version = TLS1_3_VERSION;
  int receive_buffer = 0;  // bytes of the socket's, 0: the system's choice
};

class TestClient {
 public:
  // Connects, without TLS. `before_connect` is called when the socket is made.
  explicit TestClient(std::uint16_t port, const ClientOptions& options = {}, const std::function<void()>& before_connect = {});
  ~TestClient();
  TestClient(TestClient&& other) noexcept;
  TestClient& operator=(TestClient&&) = delete;

  bool Handshake();       // false when the server refused it
  void BeginHandshake();  // sends the ClientHello, and waits for nothing
  // Connected and shaken hands.
  static TestClient Connected(std::uint16_t port, const ClientOptions& options = {});

  bool Send(std::string_view text);  // over TLS; false when the server has closed
  void SendPlain(std::string_view text);
  void EndWrites();  // close_notify

  // The next answer; nothing when the server closed before a whole one came.
  std::optional<Answer> Read();
  std::optional<Answer> ReadHead();  // of the answer to HEAD, which has no body
  std::optional<Answer> Ask(std::string_view request);

  // Waits until the server closes; what it sends until then is discarded.
  bool WaitUntilClosed();
  // Whether the server closes within `time`: for a client that goes on doing something meanwhile.
  bool ClosesWithin(std::chrono::milliseconds time);

  bool HasInput() const;  // something of the server's is there to be read

  std::string ServerCertificate() const;  // SHA-256 fingerprint, hex
  std::string Protocol() const { return SSL_get_version(ssl_.get()); }

 private:
  struct Deleter {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };

  bool Fill();  // more into buffer_; false at the end

  int socket_ = -1;
  std::unique_ptr<SSL_CTX, Deleter> context_;
  std::unique_ptr<SSL, Deleter> ssl_;
  std::string buffer_;
};

// POST /validate with the headers that the API server sends; `headers` are further lines, each with its end.
std::string Post(std::string_view body, std::string_view headers = {});

}  // namespace support
