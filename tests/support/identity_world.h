// The world that managed certificates live in, without Kubernetes: one Secret, one webhook configuration, an API server with a clock,
// and replicas that can lose calls, be cut off, or die in the middle of a step. And the API server's view of a leaf: whether it would
// take it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "certs/identity.h"
#include "certs/identity_store.h"
#include "certs/managed_identity.h"
#include "tests/support/fake_clock.h"

namespace support {

// Thrown through a replica that dies: what it had begun stays as it is.
struct Died {};

class IdentityWorld {
 public:
  IdentityWorld();

  base::Time now() const { return clock.Now(); }
  // Time goes on for the API server and for every replica's clock alike.
  void Advance(std::chrono::microseconds by);

  void SetSecret(std::optional<certs::Data> data);
  void SetBundles(std::vector<std::string> bundles);  // one an entry
  void DeleteConfiguration();
  std::vector<std::string> Bundles() const;

  // Would an API server whose view of the configuration is up to `behind` old take `leaf`, at each of these views? "" or why not. With
  // no configuration nobody calls.
  std::string Refusal(const certs::Identity& leaf, std::chrono::seconds behind);

  // What happened last, for the message of a test that fails.
  void Happened(const std::string& what);
  std::string History() const;

  FakeClock clock;  // the API server's
  std::optional<certs::Stored> secret;
  std::optional<certs::Configuration> configuration;
  bool tells_time = true;
  std::vector<FakeClock*> clocks;  // the replicas'

 private:
  friend class WorldAccess;
  void Changed();

  struct View {
    base::Time from;
    std::vector<std::string> bundles;
  };
  std::vector<View> views_;  // of the configuration, oldest first
  std::map<std::pair<std::string, std::string>, base::Time> verified_;
  std::uint64_t versions_ = 0;
  std::vector<std::string> history_;
};

// A replica's way to the API server.
class WorldAccess final : public certs::IdentityStore, public certs::TrustBundle {
 public:
  explicit WorldAccess(IdentityWorld& world) : world_(world) {}

  base::Result<Loaded> Load() override;
  base::Result<certs::Outcome> Swap(const std::optional<std::string>& version, const certs::Data& data) override;
  base::Result<std::optional<certs::Configuration>> Read() override;
  base::Result<certs::Outcome> Write(const certs::Configuration& read, const std::string& pem) override;

  // Called before every call is carried out, with its name, and after it. May throw Died, change the world, poll others.
  std::function<void(const char* call)> before, after;
  // These fail.
  bool away = false, no_swap = false, no_read = false, no_write = false;
  int calls = 0;

 private:
  void Begin(const char* call);
  void End(const char* call) const;

  IdentityWorld& world_;
};

// DNS names and times for simulations: small, so that days need not pass.
certs::PlanSettings SmallSettings(std::string replica);

// One replica.
class WorldReplica {
 public:
  WorldReplica(IdentityWorld& world, certs::PlanSettings settings, std::chrono::seconds skew = {});
  ~WorldReplica();
  WorldReplica(const WorldReplica&) = delete;
  WorldReplica& operator=(const WorldReplica&) = delete;

  void Poll() { identity->Poll(); }
  std::shared_ptr<const certs::Identity> serving() const { return identity->identities().Current(); }
  // "" or what an API server would refuse of what it serves, when it says that it is ready.
  std::string Refusal(std::chrono::seconds behind);
  std::vector<std::string> Reasons() const;  // of its notices

  FakeClock clock;
  WorldAccess access;
  std::vector<certs::Notice> notices;
  std::vector<std::string> logged;
  std::unique_ptr<certs::ManagedIdentity> identity;

 private:
  IdentityWorld& world_;
};

}  // namespace support
