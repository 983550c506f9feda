#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

namespace support {

Peer::~Peer() {
  if (ssl_ != nullptr) {
    if (!cut_) {
      SSL_shutdown(ssl_);
    }
    SSL_free(ssl_);
  }
  SSL_CTX_free(context_);
}

bool Peer::StartTls(const TestCertificate& certificate, const std::string& client_ca) {
  context_ = SSL_CTX_new(TLS_server_method());
  if (!client_ca.empty()) {
    BIO* const ca_bio = BIO_new_mem_buf(client_ca.data(), static_cast<int>(client_ca.size()));
    X509* const ca = PEM_read_bio_X509(ca_bio, nullptr, nullptr, nullptr);
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), ca);
    X509_free(ca);
    BIO_free(ca_bio);
    SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  }
  BIO* const certificate_bio = BIO_new_mem_buf(certificate.certificate_pem.data(), -1);
  BIO* const key_bio = BIO_new_mem_buf(certificate.key_pem.data(), -1);
  X509* const x509 = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
  SSL_CTX_use_certificate(context_, x509);
  SSL_CTX_use_PrivateKey(context_, key);
  X509_free(x509);
  EVP_PKEY_free(key);
  BIO_free(certificate_bio);
  BIO_free(key_bio);
  ssl_ = SSL_new(context_);
  SSL_set_fd(ssl_, fd_);
  return SSL_accept(ssl_) == 1;
}

std::string Peer::ClientName() const {
  const X509* const certificate = ssl_ == nullptr ? nullptr : SSL_get0_peer_certificate(ssl_);
  if (certificate == nullptr) {
    return "";
  }
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  const ASN1_STRING* const name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(name)), static_cast<std::size_t>(ASN1_STRING_length(name))};
}

bool Peer::ReadMore() {
  std::array<char, 16384> buffer;
  const auto size = ssl_ == nullptr ? recv(fd_, buffer.data(), buffer.size(), 0) : SSL_read(ssl_, buffer.data(), buffer.size());
  if (size <= 0) {
    return false;
  }
  received_.append(buffer.data(), static_cast<std::size_t>(size));
  return true;
}

std::string Peer::ReadRequest() {
  std::size_t head = 0;
  while ((head = received_.find("\r\n\r\n")) == std::string::npos) {
    if (received_.size() > kMaxRequestBytes || !ReadMore()) {
      return "";
    }
  }
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t length = received_.substr(0, head).find(kLength);
  const std::size_t total =
      head + 4 + (length == std::string::npos ? 0 : std::strtoul(received_.c_str() + length + kLength.size(), nullptr, 10));
  while (received_.size() < total) {
    if (total > kMaxRequestBytes || !ReadMore()) {
      return "";
    }
  }
  std::string request = received_.substr(0, total);
  received_.erase(0, total);
  return request;
}

bool Peer::Send(std::string_view text) {
  while (!text.empty()) {
    const auto size =
        ssl_ == nullptr ? send(fd_, text.data(), text.size(), MSG_NOSIGNAL) : SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
    if (size <= 0) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

void Peer::SendUntilClosed(std::string_view text) {
  while (Send(text)) {
  }
}

void Peer::WaitForClose() {
  while (ReadMore()) {
  }
}

bool Peer::IsClosedWithin(std::chrono::milliseconds time) {
  pollfd readable = {fd_, POLLIN, 0};
  return poll(&readable, 1, static_cast<int>(time.count())) != 0;
}

void Peer::Reset() {
  const linger at_once = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  cut_ = true;
}

void Peer::EndWithoutCloseNotify() { cut_ = true; }

LoopbackServer::LoopbackServer(Handler handler, std::uint16_t port, Loopback address) : handler_(std::move(handler)) {
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&storage); address == Loopback::kIpv4) {
    ipv4->sin_family = AF_INET;
    ipv4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ipv4->sin_port = htons(port);
    size = sizeof(*ipv4);
  } else {
    auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&storage);
    ipv6->sin6_family = AF_INET6;
    ipv6->sin6_addr = in6addr_loopback;
    ipv6->sin6_port = htons(port);
    size = sizeof(*ipv6);
  }
  listener_ = socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;  // a port that was just given up, and is named again
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  auto* const any = reinterpret_cast<sockaddr*>(&storage);
  if (bind(listener_, any, size) != 0 || listen(listener_, 64) != 0 || getsockname(listener_, any, &size) != 0) {
    std::cerr << "cannot listen on loopback port " << port << '\n';
    std::exit(EXIT_FAILURE);
  }
  port_ =
      ntohs(address == Loopback::kIpv4 ? reinterpret_cast<sockaddr_in*>(any)->sin_port : reinterpret_cast<sockaddr_in6*>(any)->sin6_port);
  acceptor_ = std::thread([this] { Accept(); });
}

LoopbackServer::~LoopbackServer() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    for (const int fd : open_) {
      shutdown(fd, SHUT_RDWR);
    }
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  std::vector<std::thread> handlers;
  {
    base::MutexLock lock(mutex_);
    handlers.swap(handlers_);
  }
  for (std::thread& thread : handlers) {
    thread.join();
  }
  close(listener_);
}

void LoopbackServer::Accept() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    base::MutexLock lock(mutex_);
    if (stopping_) {
      close(fd);
      return;
    }
    open_.push_back(fd);
    handlers_.emplace_back([this, fd, connection = connections_++] {
      sigset_t pipe;  // OpenSSL's socket BIO raises it; the client under test has to do without such help
      sigemptyset(&pipe);
      sigaddset(&pipe, SIGPIPE);
      pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
      {
        Peer peer(fd);
        handler_(peer, connection);
      }
      base::MutexLock ended(mutex_);
      std::erase(open_, fd);
      close(fd);
    });
  }
}

std::string LoopbackServer::Url(std::string_view scheme, std::string_view target, std::string_view host) const {
  return std::string(scheme) + "://" + std::string(host) + ":" + std::to_string(port_) + std::string(target);
}

std::string Answer(int status, std::string_view body, std::string_view headers) {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + std::string(headers) +
         "\r\n" + std::string(body);
}

}  // namespace support
