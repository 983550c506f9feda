// Asks the other replicas over HTTPS, each at its own address.
//
// Every replica serves with a certificate for the Service's name, not for its address. So there is a client for each address that
// believes the name to be there, and TLS is verified as for anybody else. Proxies are never used: they do not know pods.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "http/client.h"
#include "http/network_client.h"
#include "http/tls_trust.h"
#include "kube/bearer_token.h"

namespace cli {

// A client whose every request goes to this address.
class AddressClient {
 public:
  virtual ~AddressClient() = default;
  virtual http::Client& client() = 0;
  virtual void Stop() = 0;  // as http::NetworkClient
};
using MakeAddressClient =
    std::function<base::Result<std::unique_ptr<AddressClient>>(const std::string& address, const http::TlsSettings& trust)>;

// Over the network. `clock` must outlive the clients.
MakeAddressClient NetworkAddressClients(const base::Clock& clock);

// Safe for concurrent use.
class ReplicaClients {
 public:
  struct Options {
    std::string server_name;  // in the replicas' certificates
    std::uint16_t port = 0;
    // Whom to believe, asked before every query; when the texts change, connections begin anew.
    std::function<base::Result<http::TlsSettings>()> trust;
    MakeAddressClient make;
  };

  // `token` says who we are to the others, and must outlive it.
  ReplicaClients(Options options, kube::BearerToken& token);

  // Before a query: looks whom to believe, and forgets every other address than these.
  base::Result<void> Begin(const std::vector<std::string>& addresses) EXCLUDES(mutex_);

  // GET. An answer of any status is one; a token that was refused (401) is read again and sent once more. Blocks for `deadline` at most.
  base::Result<http::Response> Get(const std::string& address, const std::string& target, std::size_t max_bytes,
                                   std::chrono::milliseconds deadline) EXCLUDES(mutex_);

  // Every Get that runs, or comes later, fails at once.
  void Stop() EXCLUDES(mutex_);

 private:
  base::Result<std::shared_ptr<AddressClient>> ClientOf(const std::string& address) EXCLUDES(mutex_);

  const Options options_;
  kube::BearerToken& token_;
  base::Mutex mutex_;
  http::TlsSettings trust_ GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<AddressClient>> clients_ GUARDED_BY(mutex_);
  bool stopped_ GUARDED_BY(mutex_) = false;
};

}  // namespace cli
