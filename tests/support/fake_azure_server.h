// An AzureWorld behind real TLS on a loopback port, with faults of the wire.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "tests/support/azure_world.h"
#include "tests/support/fault_list.h"
#include "tests/support/loopback_server.h"
#include "tests/support/test_certificates.h"

namespace support {

// What goes wrong on the way; what goes wrong in a service is AzureWorld::Fail's.
enum class WireFault {
  kDropBefore,  // the connection is reset instead of an answer, and the world is not asked
  kDropInHead,  // reset amid the answer's head
  kDropInBody,  // reset amid its body
  kHalfBody,    // closed in order amid its body
  kDrip,        // a byte every now and then, until the client closes
};

// Holds back the requests that a test chose until it lets them go.
class Gate {
 public:
  void WaitUntilHeld(int requests = 1) EXCLUDES(mutex_);  // so many have come so far
  void Open() EXCLUDES(mutex_);                           // for good

 private:
  friend class FakeAzureServer;
  void Pass() EXCLUDES(mutex_);

  base::Mutex mutex_;
  base::CondVar changed_;
  int came_ GUARDED_BY(mutex_) = 0;
  bool open_ GUARDED_BY(mutex_) = false;
};

// Connections are kept; each is served by a thread of its own.
class FakeAzureServer {
 public:
  // `world` must outlive it. Port 0: one that is free.
  explicit FakeAzureServer(AzureWorld& world, std::uint16_t port = 0);
  ~FakeAzureServer();
  FakeAzureServer(const FakeAzureServer&) = delete;
  FakeAzureServer& operator=(const FakeAzureServer&) = delete;

  // "https://localhost:PORT": Resource Manager, the login service, Resource Graph and Policy Insights, by their paths.
  std::string Origin() const { return azure_.Url("https", "", "localhost"); }
  std::uint16_t port() const { return azure_.port(); }
  const std::string& ca_pem() const { return ca_.certificate_pem; }

  // Plain, as on a machine: "http://127.0.0.1:PORT" for IMDS, and the URL for IDENTITY_ENDPOINT.
  std::string MetadataOrigin() const { return machine_.Url("http", ""); }
  std::string IdentityEndpoint() const { return machine_.Url("http", "/msi/token"); }

  int connections() const { return azure_.connections(); }

  FaultList<WireFault>& faults() { return faults_; }
  // The server opens it when it ends.
  std::shared_ptr<Gate> Hold(AzureCalls calls);

 private:
  void Serve(Peer& peer, std::string_view scheme);

  AzureWorld& world_;
  const TestCertificate ca_;
  const TestCertificate leaf_;
  FaultList<WireFault> faults_;
  FaultList<std::shared_ptr<Gate>> holds_;
  base::Mutex mutex_;
  std::vector<std::shared_ptr<Gate>> gates_ GUARDED_BY(mutex_);  // all there ever were
  LoopbackServer azure_;                                         // the servers last: their threads use the rest
  LoopbackServer machine_;
};

}  // namespace support
