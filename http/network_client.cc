#include "http/network_client.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace http {
namespace {

using std::chrono::steady_clock;

// Longer deadlines are cut to this: the sum with the clock must not overflow, and nobody waits a day.
constexpr std::chrono::milliseconds kMaxDeadline = std::chrono::hours(24);

// What belongs to the connection or is written by the client itself; a second one would let two readers of the request
// disagree about where it ends.
constexpr std::array<std::string_view, 12> kOwnHeaders = {"host",       "connection",      "content-length", "transfer-encoding",
                                                          "te",         "trailer",         "keep-alive",     "upgrade",
                                                          "user-agent", "accept-encoding", "expect",         "proxy-authorization"};

bool IsToken(std::string_view text) {  // RFC 9110, section 5.6.2
  constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || kSpecial.find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != '\x7f'); });
}

tl::unexpected<base::Error> CannotSend(std::string what) {
  return base::Fail(base::ErrorCode::kInvalidArgument, "a request cannot be sent: " + std::move(what));
}

base::Result<void> CheckRequest(const Request& request) {
  if (!IsToken(request.method) || request.method == "CONNECT") {
    return CannotSend("its method is none");
  }
  for (const auto& [name, value] : request.headers) {
    if (!IsToken(name)) {
      return CannotSend("a header's name is none");
    }
    if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), base::AsciiLower(name)) != kOwnHeaders.end()) {
      return CannotSend("the header " + name + " is the client's own");
    }
    if (!IsHeaderValue(value)) {
      return CannotSend("the header " + name + " holds a line break or another control character");
    }
  }
  return {};
}

bool IsIdempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"};
  return std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end();
}

std::string Route(const Url& url, const Proxy* proxy) {
  return url.scheme + "://" + url.HostAndPort() + (proxy == nullptr ? "" : " via " + proxy->host + ":" + std::to_string(proxy->port));
}

tl::unexpected<base::Error> Where(const Request& request, const Url& url, base::Error error) {
  error.message = request.method + " " + url.scheme + "://" + url.Authority() + ": " + error.message;
  return tl::unexpected(std::move(error));
}

}  // namespace

base::Result<std::unique_ptr<NetworkClient>> NetworkClient::Create(NetworkClientOptions options, const base::Clock& clock) {
  auto proxy = ProxyRules::Parse(options.proxy);
  if (!proxy) {
    return tl::unexpected(proxy.error());
  }
  auto trust = TlsTrust::Create(options.tls);
  if (!trust) {
    return tl::unexpected(trust.error());
  }
  return std::unique_ptr<NetworkClient>(new NetworkClient(std::move(options), clock, *std::move(proxy), *std::move(trust)));
}

NetworkClient::NetworkClient(NetworkClientOptions options, const base::Clock& clock, ProxyRules proxy, std::unique_ptr<TlsTrust> trust)
    : user_agent_("acr-admission/" + options.version),
      clock_(clock),
      proxy_(std::move(proxy)),
      trust_(std::move(trust)),
      resolver_(std::move(options.lookup)) {}

base::Result<Response> NetworkClient::Send(const Request& request) {
  const base::Until until{steady_clock::now() + std::clamp(request.deadline, std::chrono::milliseconds(0), kMaxDeadline), &stop_};
  if (const auto checked = CheckRequest(request); !checked) {
    return tl::unexpected(checked.error());
  }
  const auto url = ParseUrl(request.url);
  if (!url) {
    return CannotSend(url.error().message);
  }
  if (stop_.IsSet()) {
    return Where(request, *url, {base::ErrorCode::kUnavailable, "stopped", ""});
  }
  const Proxy* const proxy = request.use_proxy ? proxy_.For(*url) : nullptr;
  const std::string route = Route(*url, proxy);
  const std::string text = RequestText(request, *url, proxy);
  const BodyReading reading{.body = request.method == "HEAD" ? Body::kNone : Body::kRead,
                            .max_bytes = request.max_response_bytes,
                            .sink = request.sink ? &request.sink : nullptr};

  std::unique_ptr<Connection> connection = pool_.Take(route, clock_.Monotonic());
  for (;;) {
    const bool kept = connection != nullptr;
    if (!kept) {
      auto opened = Connect(*url, proxy, until);
      if (!opened) {
        return Where(request, *url, std::move(opened.error()));
      }
      connection = *std::move(opened);
    }
    Exchange exchange = Perform(*connection, text, reading, until);
    if (exchange.response) {
      if (exchange.reusable) {
        pool_.Give(route, std::move(connection), clock_.Monotonic());
      }
      return std::move(exchange.response);
    }
    const bool may_repeat = !exchange.answered && (!exchange.sent_whole || IsIdempotent(request.method));
    if (!kept || !may_repeat || steady_clock::now() >= until.deadline) {
      return Where(request, *url, std::move(exchange.response.error()));
    }
    connection.reset();
  }
}

base::Result<std::unique_ptr<Connection>> NetworkClient::Connect(const Url& url, const Proxy* proxy, const base::Until& until) {
  auto connection = proxy == nullptr ? ConnectTo(url.host, url.port, until) : ConnectTo(proxy->host, proxy->port, until);
  if (!connection) {
    if (proxy != nullptr) {
      connection.error().message = "proxy: " + connection.error().message;
    }
    return connection;
  }
  if (!url.https()) {
    return connection;
  }
  if (proxy != nullptr) {
    if (auto opened = OpenTunnel(**connection, url, *proxy, until); !opened) {
      return tl::unexpected(std::move(opened.error()));
    }
  }
  if (auto secured = (*connection)->StartTls(trust_->Context(), url.host, until); !secured) {
    return tl::unexpected(std::move(secured.error()));
  }
  return connection;
}

base::Result<std::unique_ptr<Connection>> NetworkClient::ConnectTo(const std::string& host, std::uint16_t port, const base::Until& until) {
  const auto addresses = resolver_.Resolve(host, until);
  if (!addresses) {
    return tl::unexpected(addresses.error());
  }
  for (std::size_t i = 0;; ++i) {
    // An address that does not answer leaves the others their share of the time.
    const auto now = steady_clock::now();
    const auto left = static_cast<steady_clock::rep>(addresses->size() - i);
    auto connection = Connection::Open((*addresses)[i], port, {now + (until.deadline - now) / left, until.stop});
    if (connection || left == 1) {
      return connection;
    }
  }
}

base::Result<void> NetworkClient::OpenTunnel(Connection& connection, const Url& url, const Proxy& proxy, const base::Until& until) {
  const std::string where = "proxy " + proxy.host + ":" + std::to_string(proxy.port) + ": ";
  std::string text = "CONNECT " + url.HostAndPort() + " HTTP/1.1\r\nHost: " + url.HostAndPort() + "\r\nUser-Agent: " + user_agent_ + "\r\n";
  if (!proxy.authorization.empty()) {
    text += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  }
  text += "\r\n";
  Exchange exchange = Perform(connection, text, {.body = Body::kNone}, until);
  if (!exchange.response) {
    exchange.response.error().message = where + exchange.response.error().message;
    return tl::unexpected(std::move(exchange.response.error()));
  }
  const int status = exchange.response->status;
  if (status < 200 || status > 299) {
    const std::string remedy =
        status == 407 ? "give the proxy's user and password in HTTPS_PROXY" : "allow this host in the proxy, or name it in NO_PROXY";
    return base::Fail(base::ErrorCode::kUnavailable, where + "answered CONNECT with status " + std::to_string(status), remedy);
  }
  return {};
}

std::string NetworkClient::RequestText(const Request& request, const Url& url, const Proxy* proxy) const {
  const bool absolute = proxy != nullptr && !url.https();
  std::string text = request.method + " " + (absolute ? "http://" + url.Authority() : "") + url.target + " HTTP/1.1\r\n";
  text += "Host: " + url.Authority() + "\r\nUser-Agent: " + user_agent_ + "\r\nAccept-Encoding: identity\r\n";
  if (absolute && !proxy->authorization.empty()) {
    text += "Proxy-Authorization: " + proxy->authorization + "\r\n";
  }
  for (const auto& [name, value] : request.headers) {
    text += name + ": " + value + "\r\n";
  }
  const bool has_body_by_nature = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || has_body_by_nature) {
    text += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return text + "\r\n" + request.body;
}

}  // namespace http
