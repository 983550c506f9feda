// The least that a webhook can do: it lets every review in, without looking at more of it than its uid. What a webhook costs by being one.
//   echo_webhook ADDRESS PORT CERTIFICATE KEY
// A thread for each connection, of which the API server keeps few; everything blocks. It faces nobody but a benchmark: no deadlines, and no
// more of HTTP than that API server speaks.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // head and body
constexpr int kBacklog = 128;

// The text between the first `before` and the next `after`; "" when there is none.
std::string_view Between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  return at == std::string_view::npos ? std::string_view()
                                      : text.substr(at + before.size(), text.find(after, at + before.size()) - at - before.size());
}

// The body of the next request, nothing when the client has gone or sends what this does not read.
std::optional<std::string> ReadBody(SSL* tls) {
  std::string text;
  std::size_t wanted = 0;  // head and body; 0 while the head is not there
  while (wanted == 0 || text.size() < wanted) {
    const std::size_t have = text.size();
    text.resize(have + 16384);
    std::size_t read = 0;
    if (text.size() > kMostBytes || SSL_read_ex(tls, text.data() + have, text.size() - have, &read) != 1) {
      return std::nullopt;
    }
    text.resize(have + read);
    if (const std::size_t head = text.find("\r\n\r\n"); wanted == 0 && head != std::string::npos) {
      const std::string length(Between(std::string_view(text).substr(0, head + 2), "\r\nContent-Length: ", "\r\n"));
      if (length.empty()) {
        return std::nullopt;
      }
      wanted = head + 4 + std::strtoull(length.c_str(), nullptr, 10);
    }
  }
  return text.substr(text.find("\r\n\r\n") + 4);
}

std::string Answer(std::string_view review) {
  // The request's uid: the API server writes it before the object, which has one of its own.
  std::string body = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":")";
  body.append(Between(review, "\"uid\":\"", "\"")).append(R"(","allowed":true}})");
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void Serve(int socket, SSL_CTX* context) {
  const int on = 1;
  setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls(SSL_new(context), &SSL_free);
  SSL_set_fd(tls.get(), socket);
  if (SSL_accept(tls.get()) == 1) {
    std::size_t written = 0;
    for (auto body = ReadBody(tls.get()); body; body = ReadBody(tls.get())) {
      const std::string answer = Answer(*body);
      if (SSL_write_ex(tls.get(), answer.data(), answer.size(), &written) != 1) {
        break;
      }
    }
  }
  close(socket);
}

int Listen(const char* address, const char* port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10)));
  // The sockets interface takes any address family behind one pointer type.
  const bool ready = inet_pton(AF_INET, address, &at.sin_addr) == 1 &&
                     bind(listener, reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0 && listen(listener, kBacklog) == 0;
  return ready ? listener : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: echo_webhook ADDRESS PORT CERTIFICATE KEY\n";
    return EXIT_FAILURE;
  }
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  if (SSL_CTX_use_certificate_chain_file(context.get(), argv[3]) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), argv[4], SSL_FILETYPE_PEM) != 1) {
    ERR_print_errors_fp(stderr);
    return EXIT_FAILURE;
  }
  const int listener = Listen(argv[1], argv[2]);
  if (listener < 0) {
    std::cerr << "echo_webhook: cannot listen on " << argv[1] << ':' << argv[2] << '\n';
    return EXIT_FAILURE;
  }
  while (true) {
    if (const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC); socket >= 0) {
      std::thread(Serve, socket, context.get()).detach();
    }
  }
}
