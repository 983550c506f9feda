#include "http/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <system_error>
#include <utility>

namespace http {
namespace {

std::string ErrnoText(int error) { return std::system_category().message(error); }

tl::unexpected<base::Error> Unavailable(std::string message, std::string remedy = {}) {
  return base::Fail(base::ErrorCode::kUnavailable, std::move(message), std::move(remedy));
}

int SocketOf(BIO* bio) {
  int fd = -1;
  BIO_get_fd(bio, &fd);
  return fd;
}

// OpenSSL's own socket BIO writes without MSG_NOSIGNAL: a peer that has gone would end a process that does not ignore SIGPIPE.
int SendWithoutSignal(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto sent = static_cast<int>(send(SocketOf(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL));
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_write(bio);
  }
  return sent;
}

const BIO_METHOD* SocketMethod() {
  static const BIO_METHOD* const kMethod = [] {
    const BIO_METHOD* const socket = BIO_s_socket();
    BIO_METHOD* const method = BIO_meth_new(BIO_TYPE_SOCKET, "socket without SIGPIPE");
    if (method != nullptr) {
      BIO_meth_set_write(method, &SendWithoutSignal);
      BIO_meth_set_read(method, BIO_meth_get_read(socket));
      BIO_meth_set_ctrl(method, BIO_meth_get_ctrl(socket));
      BIO_meth_set_create(method, BIO_meth_get_create(socket));
      BIO_meth_set_destroy(method, BIO_meth_get_destroy(socket));
    }
    return method;
  }();
  return kMethod;
}

// The host as the certificate must name it, and in SNI, which addresses must not be in (RFC 6066, section 3).
bool SetPeer(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* const parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1) {
    return true;
  }
  ERR_clear_error();
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  std::string name = host;  // what SSL_set_tlsext_host_name is, without its C cast
  return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name.data()) == 1;
}

std::string TlsReason() {
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    return "the peer closed the connection without ending TLS";
  }
  const char* const reason = ERR_reason_error_string(error);
  return reason == nullptr ? "TLS failed" : std::string("TLS failed: ") + reason;
}

}  // namespace

base::Result<std::unique_ptr<Connection>> Connection::Open(const std::string& address, std::uint16_t port, const base::Until& until) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, address.c_str(), &ipv4->sin_addr) == 1) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(port);
    size = sizeof(*ipv4);
  } else if (inet_pton(AF_INET6, address.c_str(), &ipv6->sin6_addr) == 1) {
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_port = htons(port);
    size = sizeof(*ipv6);
  } else {
    return base::Fail(base::ErrorCode::kInternal, "not a numeric address: " + address);
  }
  const std::string doing = "connecting to " + address + " port " + std::to_string(port);
  const int fd = socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return Unavailable(doing + ": " + ErrnoText(errno));
  }
  std::unique_ptr<Connection> connection(new Connection(fd));
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    if (errno != EINPROGRESS) {
      return Unavailable(doing + ": " + ErrnoText(errno));
    }
    if (const auto waited = base::WaitFor(fd, POLLOUT, until, doing); !waited) {
      return tl::unexpected(waited.error());
    }
    int error = 0;
    socklen_t error_size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0 || error != 0) {
      return Unavailable(doing + ": " + ErrnoText(error));
    }
  }
  return connection;
}

Connection::~Connection() {
  if (ssl_ != nullptr) {
    if (!broken_ && SSL_is_init_finished(ssl_) != 0) {
      SSL_shutdown(ssl_);  // close_notify, if the socket takes it at once
    }
    SSL_free(ssl_);
    ERR_clear_error();
  }
  close(fd_);
}

base::Result<void> Connection::StartTls(std::shared_ptr<SSL_CTX> context, const std::string& host, const base::Until& until) {
  const std::string doing = "TLS handshake with " + host;
  ERR_clear_error();
  context_ = std::move(context);
  ssl_ = SSL_new(context_.get());
  BIO* const bio = BIO_new(SocketMethod());
  if (ssl_ == nullptr || bio == nullptr || !SetPeer(ssl_, host)) {
    BIO_free(bio);
    return base::Fail(base::ErrorCode::kInternal, doing + ": " + TlsReason());
  }
  BIO_set_fd(bio, fd_, BIO_NOCLOSE);
  SSL_set_bio(ssl_, bio, bio);
  for (;;) {
    ERR_clear_error();
    const Step step = TlsStep(SSL_connect(ssl_));
    if (step == Step::kDone) {
      return {};
    }
    if (step == Step::kFailed || step == Step::kEnd) {
      const long verdict = SSL_get_verify_result(ssl_);
      if (verdict != X509_V_OK) {
        return Unavailable(doing + ": its certificate is refused: " + X509_verify_cert_error_string(verdict),
                           "if a proxy inspects TLS, or the peer has a certificate authority of its own, add that authority's certificate "
                           "to the CA file");
      }
      return Unavailable(doing + ": " + (step == Step::kEnd ? "the peer closed the connection" : failure_));
    }
    if (const auto waited = WaitAfter(step, until, doing); !waited) {
      return waited;
    }
  }
}

base::Result<std::size_t> Connection::Read(std::span<char> into, const base::Until& until) {
  constexpr std::string_view kDoing = "reading the answer";
  for (;;) {
    if (std::chrono::steady_clock::now() >= until.deadline) {  // a peer that always has more to say never makes us wait
      return Unavailable(std::string(kDoing) + ": timed out");
    }
    std::size_t size = 0;
    const Step step = ReadSome(into, size);
    if (step == Step::kDone || step == Step::kEnd) {
      return size;
    }
    if (step == Step::kFailed) {
      return Unavailable(std::string(kDoing) + ": " + failure_);
    }
    if (const auto waited = WaitAfter(step, until, kDoing); !waited) {
      return tl::unexpected(waited.error());
    }
  }
}

base::Result<void> Connection::Write(std::string_view text, const base::Until& until) {
  constexpr std::string_view kDoing = "sending the request";
  while (!text.empty()) {
    std::size_t size = 0;
    const Step step = WriteSome(text, size);
    if (step == Step::kDone) {
      text.remove_prefix(size);
      continue;
    }
    if (step == Step::kFailed || step == Step::kEnd) {
      return Unavailable(std::string(kDoing) + ": " + (step == Step::kEnd ? "the peer closed the connection" : failure_));
    }
    if (const auto waited = WaitAfter(step, until, kDoing); !waited) {
      return waited;
    }
  }
  return {};
}

bool Connection::IsIdle() {
  // Also takes in what TLS sends unasked, such as session tickets, which a look at the socket alone would take for data.
  std::array<char, 1> byte{};
  std::size_t size = 0;
  return ReadSome(byte, size) == Step::kWantRead;
}

Connection::Step Connection::ReadSome(std::span<char> into, std::size_t& size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return TlsStep(SSL_read_ex(ssl_, into.data(), into.size(), &size));
  }
  const ssize_t received = recv(fd_, into.data(), into.size(), 0);
  if (received >= 0) {
    size = static_cast<std::size_t>(received);
    return received == 0 ? Step::kEnd : Step::kDone;
  }
  if (errno == EAGAIN || errno == EINTR) {
    return Step::kWantRead;
  }
  failure_ = ErrnoText(errno);
  return Step::kFailed;
}

Connection::Step Connection::WriteSome(std::string_view text, std::size_t& size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    return TlsStep(SSL_write_ex(ssl_, text.data(), text.size(), &size));
  }
  const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
  if (sent >= 0) {
    size = static_cast<std::size_t>(sent);
    return Step::kDone;
  }
  if (errno == EAGAIN || errno == EINTR) {
    return Step::kWantWrite;
  }
  failure_ = ErrnoText(errno);
  return Step::kFailed;
}

Connection::Step Connection::TlsStep(int returned) {
  if (returned > 0) {
    return Step::kDone;
  }
  const int system_error = errno;
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantRead;
    case SSL_ERROR_WANT_WRITE:
      return Step::kWantWrite;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnd;
    case SSL_ERROR_SYSCALL:
      failure_ = system_error == 0 ? "the peer closed the connection" : ErrnoText(system_error);
      break;
    default:
      failure_ = TlsReason();
      break;
  }
  broken_ = true;
  return Step::kFailed;
}

base::Result<void> Connection::WaitAfter(Step step, const base::Until& until, std::string_view doing) {
  return base::WaitFor(fd_, step == Step::kWantRead ? POLLIN : POLLOUT, until, doing);
}

}  // namespace http
