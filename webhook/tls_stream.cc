#include "webhook/tls_stream.h"

#include <openssl/err.h>

namespace webhook {

TlsStream::Status TlsStream::Handshake(TlsContext& context) {
  if (!ssl_) {
    boost::system::error_code error;
    socket_.non_blocking(true, error);  // for OpenSSL and for Discard: native_non_blocking would let Asio wait in the latter
    ssl_ = context.NewSession();
    if (error || !ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) {
      ERR_clear_error();
      failed_ = true;
      return Status::kFailed;
    }
  }
  ERR_clear_error();
  return Result(SSL_accept(ssl_.get()));
}

TlsStream::Status TlsStream::Read(std::span<char> into, std::size_t* size) {
  ERR_clear_error();
  return Result(SSL_read_ex(ssl_.get(), into.data(), into.size(), size));
}

TlsStream::Status TlsStream::Write(std::string_view text, std::size_t* size) {
  ERR_clear_error();
  return Result(SSL_write_ex(ssl_.get(), text.data(), text.size(), size));
}

TlsStream::Status TlsStream::Result(int returned) {
  if (returned == 1) {
    return Status::kDone;
  }
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
      return Status::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Status::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Status::kEnded;
    default:
      break;
  }
  ERR_clear_error();
  failed_ = true;
  return Status::kFailed;
}

void TlsStream::EndWrites() {
  if (ssl_ && !failed_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // sends close_notify if the socket takes it
    ERR_clear_error();
  }
  boost::system::error_code ignored;
  socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
}

TlsStream::Status TlsStream::Discard(std::span<char> into) {
  boost::system::error_code error;
  socket_.read_some(boost::asio::buffer(into.data(), into.size()), error);
  if (error == boost::asio::error::would_block || error == boost::asio::error::interrupted) {
    return Status::kWantRead;
  }
  return error ? Status::kEnded : Status::kDone;
}

void TlsStream::Close() {
  if (!socket_.is_open()) {
    return;
  }
  EndWrites();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace webhook
