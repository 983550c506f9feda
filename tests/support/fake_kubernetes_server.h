// A FakeKubernetes behind real TLS on a loopback port, with client certificates.
#pragma once

#include <cstdint>
#include <string>

#include "tests/support/fake_kubernetes.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test_certificates.h"

namespace support {

// Connections are kept; each is served by a thread of its own.
class FakeKubernetesServer {
 public:
  // `world` must outlive it.
  explicit FakeKubernetesServer(FakeKubernetes& world, Loopback address = Loopback::kIpv4);

  std::uint16_t port() const { return server_.port(); }
  const std::string& ca_pem() const { return ca_.certificate_pem; }
  // A client certificate of this cluster's authority.
  TestCertificate MakeClient(const std::string& user) const;

 private:
  void Serve(Peer& peer);

  FakeKubernetes& world_;
  const TestCertificate ca_;
  const TestCertificate leaf_;
  LoopbackServer server_;  // last: its threads use the rest
};

}  // namespace support
