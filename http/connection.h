// One TCP connection, with TLS on it or without. Non-blocking below, so that each step ends at its deadline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

#include "base/result.h"
#include "base/wait.h"

namespace http {

// For one thread at a time. Errors are kUnavailable.
class Connection {
 public:
  // `address` is numeric.
  static base::Result<std::unique_ptr<Connection>> Open(const std::string& address, std::uint16_t port, const base::Until& until);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // The peer must show a certificate for `host`, a DNS name or an address, that `context` trusts.
  base::Result<void> StartTls(std::shared_ptr<SSL_CTX> context, const std::string& host, const base::Until& until);

  // At least one byte, or 0 at the peer's end. With TLS, an end without close_notify is an error: somebody cut it short.
  base::Result<std::size_t> Read(std::span<char> into, const base::Until& until);
  base::Result<void> Write(std::string_view text, const base::Until& until);  // all of it

  // False when the peer has closed, or has sent what nobody asked for. Does not block.
  bool IsIdle();

 private:
  explicit Connection(int fd) : fd_(fd) {}

  enum class Step { kDone, kWantRead, kWantWrite, kEnd, kFailed };
  Step ReadSome(std::span<char> into, std::size_t& size);
  Step WriteSome(std::string_view text, std::size_t& size);
  Step TlsStep(int returned);
  base::Result<void> WaitAfter(Step step, const base::Until& until, std::string_view doing);

  const int fd_;
  std::shared_ptr<SSL_CTX> context_;  // outlives ssl_
  SSL* ssl_ = nullptr;                // owned
  bool broken_ = false;               // no close_notify after a failure: OpenSSL forbids it
  std::string failure_;               // of the last Step that was kFailed
};

}  // namespace http
