// TLS over a non-blocking socket: OpenSSL reads and writes the descriptor itself. Asio's own ssl::stream copies everything
// through a BIO pair and holds 71 KB a connection; this holds 17 while idle (docs/decisions/0001-server.md).
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "webhook/tls_context.h"

namespace webhook {

// For one thread. Nothing here waits: what would block says what to wait for.
class TlsStream {
 public:
  enum class Status {
    kDone,
    kWantRead,   // again when the socket is readable
    kWantWrite,  // again when it is writable
    kEnded,      // the client has ended its side in order, and may still read
    kFailed,     // the connection is of no more use
  };

  explicit TlsStream(boost::asio::ip::tcp::socket socket) : socket_(std::move(socket)) {}

  Status Handshake(TlsContext& context);  // the same context at each call
  Status Read(std::span<char> into, std::size_t* size);
  Status Write(std::string_view text, std::size_t* size);

  // Whether bytes may have been taken from the socket that Read has not given yet.
  bool HasPending() const { return SSL_has_pending(ssl_.get()) == 1; }

  // Says that nothing more will be written. Read must not be called any more.
  void EndWrites();
  // What still arrives after EndWrites, unread and undecrypted.
  Status Discard(std::span<char> into);

  void Close();

  boost::asio::ip::tcp::socket& socket() { return socket_; }
  SSL* ssl() const { return ssl_.get(); }

 private:
  Status Result(int returned);

  boost::asio::ip::tcp::socket socket_;
  SslPtr ssl_;
  bool failed_ = false;  // OpenSSL must not be asked for anything any more
};

}  // namespace webhook
