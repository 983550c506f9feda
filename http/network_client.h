// The client over real sockets.
//
// Written on sockets, OpenSSL and Beast's parser rather than on a client library: what is at hand either cannot keep a total
// deadline, or lets a peer's answer end the process (docs/decisions).
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/wait.h"
#include "http/client.h"
#include "http/connection.h"
#include "http/exchange.h"
#include "http/pool.h"
#include "http/proxy.h"
#include "http/resolver.h"
#include "http/tls_trust.h"
#include "http/url.h"

namespace http {

struct NetworkClientOptions {
  std::string version;  // the program's, for User-Agent
  TlsSettings tls;
  ProxySettings proxy;
  Lookup lookup = LookUpSystem;
};

// Keeps connections for the next request. A request that meets a kept connection's end is sent once more on a new one, if it
// cannot have been carried out: it did not go out whole, or its method is idempotent (RFC 9110, section 9.2.2) and no byte of
// an answer came.
class NetworkClient final : public Client {
 public:
  // `clock` must outlive it; it tells how long connections were idle.
  static base::Result<std::unique_ptr<NetworkClient>> Create(NetworkClientOptions options, const base::Clock& clock);

  base::Result<Response> Send(const Request& request) override;

  // Every Send that runs, or comes later, fails at once: for the end of the process. The destructor does not wait for them.
  void Stop() { stop_.Set(); }

 private:
  NetworkClient(NetworkClientOptions options, const base::Clock& clock, ProxyRules proxy, std::unique_ptr<TlsTrust> trust);

  // To the host or its proxy, through CONNECT where that is needed, TLS included.
  base::Result<std::unique_ptr<Connection>> Connect(const Url& url, const Proxy* proxy, const base::Until& until);
  base::Result<std::unique_ptr<Connection>> ConnectTo(const std::string& host, std::uint16_t port, const base::Until& until);
  base::Result<void> OpenTunnel(Connection& connection, const Url& url, const Proxy& proxy, const base::Until& until);
  std::string RequestText(const Request& request, const Url& url, const Proxy* proxy) const;

  const std::string user_agent_;
  const base::Clock& clock_;
  const ProxyRules proxy_;
  const std::unique_ptr<TlsTrust> trust_;
  base::Event stop_;
  Resolver resolver_;
  Pool pool_;
};

}  // namespace http
