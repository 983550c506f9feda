// Reads registries from Azure: which subscriptions hold any (Resource Graph discovers), what each registry is (ARM decides).
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "azure/arm_error.h"
#include "azure/paging.h"
#include "base/clock.h"
#include "policy/registry.h"
#include "policy/registry_host.h"

namespace azure {

class Arm;

inline constexpr std::string_view kRegistryApiVersion = "2025-11-01";

// Pages of one list. ARM gave up to 80 registries on a page wherever that was seen, Resource Graph gives 1,000: an answer
// that goes on for longer than this goes round in circles.
inline constexpr std::size_t kMaxPages = 200;

// Where an identity looks.
struct Scope {
  std::vector<std::string> subscriptions;      // listed: no discovery
  std::vector<std::string> management_groups;  // discovered below them; both empty: all that the identity can see
};

// A registry that Resource Graph knows of: found by its login server, not to be decided on.
struct Discovered {
  std::string resource_id;
  std::string subscription;  // lower-case
  std::string login_server;  // lower-case; "" where Resource Graph has none, as of one that is being created
};

// An interface since the scheduling above it is tested against thousands of simulated hours. Blocks; safe for concurrent use.
class RegistryReader {
 public:
  virtual ~RegistryReader() = default;

  // All registries in the scope that Resource Graph knows of, all pages; an answer that is truncated is an error.
  virtual ArmResult<std::vector<Discovered>> Discover(const Scope& scope, std::chrono::milliseconds deadline) = 0;

  // Those of `login_servers` that Resource Graph knows of, in one query (at most kMaxLookUp names), or one for each 300
  // members of the scope. A name that can be no host is not asked about.
  static constexpr std::size_t kMaxLookUp = 100;
  virtual ArmResult<std::vector<Discovered>> LookUp(const std::vector<std::string>& login_servers, const Scope& scope,
                                                    std::chrono::milliseconds deadline) = 0;

  // Every registry of a subscription by ARM, all pages: all of it or an error.
  virtual ArmResult<std::vector<policy::Registry>> List(const std::string& subscription, std::chrono::milliseconds deadline) = 0;

  // One registry by ARM.
  virtual ArmResult<policy::Registry> Get(const std::string& resource_id, std::chrono::milliseconds deadline) = 0;

  // Its children of one kind ("tokens") by ARM, all pages: all of them or an error (azure/child_reader.h).
  virtual ArmResult<policy::ChildList> ListChildren(const std::string& resource_id, std::string_view kind,
                                                    std::chrono::milliseconds deadline) = 0;
};

// `api_version` is that of registries. `observed` of a registry is when its page, or it, was asked for. A body without
// privateEndpointConnections gets them by their own list; an api-version that has no such list leaves the body without,
// so that rules over them are Unknown. `suffixes` are those that login servers may have: the known ones and the cloud's.
std::unique_ptr<RegistryReader> MakeRegistryReader(Arm& arm, const base::Clock& clock,
                                                   std::string api_version = std::string(kRegistryApiVersion), Pause pause = SleepPause,
                                                   policy::RegistrySuffixes suffixes = {});

}  // namespace azure
