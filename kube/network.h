// The HTTP client that the API server is asked with.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/network_client.h"
#include "kube/config.h"

namespace kube {

// Believes the certificate authorities of `config` alone, where it names any: the cluster's own, and not also the world's. Opens no
// socket before it is asked to send. `clock` must outlive the client.
base::Result<std::unique_ptr<http::NetworkClient>> MakeNetworkClient(const Config& config, std::string version, http::ProxySettings proxy,
                                                                     const base::Clock& clock);

}  // namespace kube
