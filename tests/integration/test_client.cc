#include "tests/integration/test_client.h"

#include <array>
#include <csignal>
#include <stdexcept>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

namespace support {
namespace {

sockaddr_in Loopback(const std::string& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  inet_pton(AF_INET, address.c_str(), &result.sin_addr);
  return result;
}

// The sockets interface takes any address family behind one pointer type.
const sockaddr* AsSockaddr(const sockaddr_in* address) { return reinterpret_cast<const sockaddr*>(address); }

void UseCertificate(SSL_CTX* context, const TestCertificate& certificate) {
  BIO* bio = BIO_new_mem_buf(certificate.certificate_pem.data(), static_cast<int>(certificate.certificate_pem.size()));
  X509* leaf = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  bio = BIO_new_mem_buf(certificate.key_pem.data(), static_cast<int>(certificate.key_pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  SSL_CTX_use_certificate(context, leaf);
  SSL_CTX_use_PrivateKey(context, key);
  X509_free(leaf);
  EVP_PKEY_free(key);
}

// OpenSSL writes to sockets that the server may have closed.
void BlockSigpipe() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

}  // namespace

TestClient::TestClient(std::uint16_t port, const ClientOptions& options, const std::function<void()>& before_connect)
    : context_(SSL_CTX_new(TLS_client_method())) {
  BlockSigpipe();
  SSL_CTX_set_max_proto_version(context_.get(), options.most_tls_version);
  if (options.certificate != nullptr) {
    UseCertificate(context_.get(), *options.certificate);
  }
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (options.receive_buffer > 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(options.receive_buffer));
  }
  timeval patience{};
  patience.tv_sec = kPatience.count();
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (!options.source.empty()) {
    const sockaddr_in from = Loopback(options.source, 0);
    if (bind(socket_, AsSockaddr(&from), sizeof(from)) != 0) {
      throw std::runtime_error("cannot bind to " + options.source);
    }
  }
  if (before_connect) {
    before_connect();
  }
  const sockaddr_in to = Loopback("127.0.0.1", port);
  if (connect(socket_, AsSockaddr(&to), sizeof(to)) != 0) {
    throw std::runtime_error("cannot connect");
  }
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), socket_);
}

TestClient::TestClient(TestClient&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)),
      context_(std::move(other.context_)),
      ssl_(std::move(other.ssl_)),
      buffer_(std::move(other.buffer_)) {}

TestClient::~TestClient() {
  if (socket_ >= 0) {
    close(socket_);
  }
}

bool TestClient::Handshake() {
  ERR_clear_error();
  return SSL_connect(ssl_.get()) == 1;
}

void TestClient::BeginHandshake() {
  const int flags = fcntl(socket_, F_GETFL);
  fcntl(socket_, F_SETFL, flags | O_NONBLOCK);
  Handshake();
  fcntl(socket_, F_SETFL, flags);
}

TestClient TestClient::Connected(std::uint16_t port, const ClientOptions& options) {
  TestClient client(port, options);
  if (!client.Handshake()) {
    throw std::runtime_error("the TLS handshake failed");
  }
  return client;
}

bool TestClient::Send(std::string_view text) {
  ERR_clear_error();
  std::size_t written = 0;
  return text.empty() || SSL_write_ex(ssl_.get(), text.data(), text.size(), &written) == 1;
}

void TestClient::SendPlain(std::string_view text) {
  [[maybe_unused]] const auto sent = send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
}

void TestClient::EndWrites() {
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
}

bool TestClient::Fill() {
  std::array<char, 16 * 1024> chunk;
  std::size_t size = 0;
  ERR_clear_error();
  if (SSL_read_ex(ssl_.get(), chunk.data(), chunk.size(), &size) != 1) {
    return false;
  }
  buffer_.append(chunk.data(), size);
  return true;
}

std::optional<Answer> TestClient::Read() {
  auto answer = ReadHead();
  if (!answer) {
    return std::nullopt;
  }
  const std::size_t length = answer->Has("content-length") ? std::stoul(answer->headers["content-length"]) : 0;
  while (buffer_.size() < length) {
    if (!Fill()) {
      return std::nullopt;
    }
  }
  answer->body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

std::optional<Answer> TestClient::ReadHead() {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!Fill()) {
      return std::nullopt;
    }
  }
  Answer answer;
  answer.status = std::stoi(buffer_.substr(9, 3));
  std::string_view lines = std::string_view(buffer_).substr(0, end + 2);
  lines.remove_prefix(lines.find("\r\n") + 2);
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    const std::size_t colon = line.find(": ");
    answer.headers[base::AsciiLower(line.substr(0, colon))] = line.substr(colon + 2);
    lines.remove_prefix(line.size() + 2);
  }
  buffer_.erase(0, end + 4);
  return answer;
}

std::optional<Answer> TestClient::Ask(std::string_view request) {
  Send(request);
  return Read();
}

bool TestClient::HasInput() const {
  pollfd waiting{socket_, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

bool TestClient::WaitUntilClosed() { return ClosesWithin(kPatience); }

bool TestClient::ClosesWithin(std::chrono::milliseconds time) {
  const auto until = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd waiting{socket_, POLLIN, 0};
    if (left.count() < 0 || poll(&waiting, 1, static_cast<int>(left.count())) != 1) {
      return false;
    }
    std::array<char, 4096> ignored;
    if (recv(socket_, ignored.data(), ignored.size(), MSG_DONTWAIT) <= 0) {
      return true;
    }
  }
}

std::string TestClient::ServerCertificate() const {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  X509_digest(SSL_get0_peer_certificate(ssl_.get()), EVP_sha256(), digest.data(), &size);
  std::string hex;
  for (unsigned i = 0; i < size; ++i) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    hex.push_back(kDigits[digest[i] >> 4]);
    hex.push_back(kDigits[digest[i] & 15]);
  }
  return hex;
}

std::string Post(std::string_view body, std::string_view headers) {
  std::string request =
      "POST /validate?timeout=10s HTTP/1.1\r\nHost: acr-admission.acr-system.svc:443\r\nUser-Agent: kube-apiserver-admission\r\n"
      "Accept: application/json, */*\r\nContent-Type: application/json\r\n";
  request.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n").append(headers).append("\r\n").append(body);
  return request;
}

}  // namespace support
