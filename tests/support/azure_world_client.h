// An HTTP client that asks an AzureWorld, without sockets: for simulations of thousands of hours. The host of a URL decides
// which service is reached, as in AzureCloud; nobody answers at any other.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>

#include "http/client.h"
#include "tests/support/azure_world.h"
#include "tests/support/fault_list.h"

namespace support {

// Where IDENTITY_ENDPOINT leads in the world.
inline constexpr const char* kIdentityEndpoint = "http://127.0.0.1:41042/msi/token";

enum class TransportFault {
  kUnreachable,  // the request was not sent
  kDropped,      // Azure saw it; its answer was lost
  kDeadline,     // nothing came until the request's deadline
};

// Safe for concurrent use.
class AzureWorldClient final : public http::Client {
 public:
  // Called on the thread of a request with the time that it takes: a simulation moves its clock there.
  using PassTime = std::function<void(std::chrono::milliseconds time)>;

  // Both must outlive it.
  explicit AzureWorldClient(AzureWorld& world, PassTime pass_time = {}) : world_(world), pass_time_(std::move(pass_time)) {}

  base::Result<http::Response> Send(const http::Request& request) override;

  // Of every request from now on; one whose deadline is shorter fails when it is over.
  void SetLatency(std::chrono::milliseconds latency) { latency_ = latency.count(); }

  FaultList<TransportFault>& faults() { return faults_; }

 private:
  void Pass(std::chrono::milliseconds time) const;

  AzureWorld& world_;
  const PassTime pass_time_;
  std::atomic<std::chrono::milliseconds::rep> latency_ = 0;
  FaultList<TransportFault> faults_;
};

}  // namespace support
