#include "cli/replica_clients.h"

#include <algorithm>
#include <utility>

#include "cli/version.h"

namespace cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class NetworkAddressClient final : public AddressClient {
 public:
  explicit NetworkAddressClient(std::unique_ptr<http::NetworkClient> client) : client_(std::move(client)) {}

  http::Client& client() override { return *client_; }
  void Stop() override { client_->Stop(); }

 private:
  const std::unique_ptr<http::NetworkClient> client_;
};

bool Same(const http::TlsSettings& a, const http::TlsSettings& b) { return a.ca_file == b.ca_file && a.ca_pem == b.ca_pem; }

}  // namespace

MakeAddressClient NetworkAddressClients(const base::Clock& clock) {
  return [&clock](const std::string& address, const http::TlsSettings& trust) -> base::Result<std::unique_ptr<AddressClient>> {
    http::NetworkClientOptions options;
    options.version = std::string(kVersion);
    options.tls = trust;
    options.lookup = [address](const std::string&) -> base::Result<std::vector<std::string>> { return std::vector<std::string>{address}; };
    auto client = http::NetworkClient::Create(std::move(options), clock);
    if (!client) {
      return tl::unexpected(std::move(client.error()));
    }
    return std::make_unique<NetworkAddressClient>(*std::move(client));
  };
}

ReplicaClients::ReplicaClients(Options options, kube::BearerToken& token) : options_(std::move(options)), token_(token) {}

base::Result<void> ReplicaClients::Begin(const std::vector<std::string>& addresses) {
  auto trust = options_.trust();
  if (!trust) {
    return tl::unexpected(std::move(trust.error()));
  }
  base::MutexLock lock(mutex_);
  if (!Same(*trust, trust_)) {
    trust_ = *std::move(trust);
    clients_.clear();
  }
  std::erase_if(clients_,
                [&](const auto& client) { return std::find(addresses.begin(), addresses.end(), client.first) == addresses.end(); });
  return {};
}

base::Result<std::shared_ptr<AddressClient>> ReplicaClients::ClientOf(const std::string& address) {
  base::MutexLock lock(mutex_);
  if (stopped_) {
    return base::Fail(base::ErrorCode::kUnavailable, "stopped");
  }
  const auto found = clients_.find(address);
  if (found != clients_.end()) {
    return found->second;
  }
  auto made = options_.make(address, trust_);
  if (!made) {
    return tl::unexpected(std::move(made.error()));
  }
  return clients_.emplace(address, *std::move(made)).first->second;
}

base::Result<http::Response> ReplicaClients::Get(const std::string& address, const std::string& target, std::size_t max_bytes,
                                                 milliseconds deadline) {
  const steady_clock::time_point end = steady_clock::now() + deadline;
  const auto client = ClientOf(address);
  if (!client) {
    return tl::unexpected(client.error());
  }
  http::Request request;
  request.url = "https://" + options_.server_name + ":" + std::to_string(options_.port) + target;
  request.max_response_bytes = max_bytes;
  request.use_proxy = false;
  for (bool again = false;; again = true) {
    const auto token = token_.Get();
    if (!token) {
      return tl::unexpected(token.error());
    }
    request.headers = {{"Accept", "application/json"}, {"Authorization", "Bearer " + *token}};
    request.deadline = std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - steady_clock::now()));
    auto response = (*client)->client().Send(request);
    if (!response || response->status != 401 || again) {
      return response;
    }
    token_.Refuse(*token);
    if (const auto renewed = token_.Get(); !renewed || *renewed == *token) {
      return response;
    }
  }
}

void ReplicaClients::Stop() {
  std::map<std::string, std::shared_ptr<AddressClient>> clients;
  {
    base::MutexLock lock(mutex_);
    stopped_ = true;
    clients = clients_;
  }
  for (const auto& [address, client] : clients) {
    client->Stop();
  }
}

}  // namespace cli
