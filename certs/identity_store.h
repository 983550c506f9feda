// The world's edge of managed certificates: a Secret that all replicas share, and the webhook configuration that tells the API server
// whom to believe. `cli` fills both from the Kubernetes API, tests with a model of it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace certs {

using Data = std::map<std::string, std::string>;  // bytes by key. Secret.

enum class Outcome {
  kDone,
  kConflict,  // somebody else wrote meanwhile, or made or deleted it: read again
};

struct Stored {
  std::string version;
  Data data;
};

// For one thread at a time. Every call blocks for some seconds at most.
class IdentityStore {
 public:
  virtual ~IdentityStore() = default;

  struct Loaded {
    std::optional<Stored> stored;   // none: there is no Secret
    std::optional<base::Time> now;  // by the API server's clock, when it answered; none: it did not say
  };
  virtual base::Result<Loaded> Load() = 0;

  // Replaces the data if they are still of `version`; makes the Secret if there was none (nullopt) and still is none. An error may
  // hide that it was done.
  virtual base::Result<Outcome> Swap(const std::optional<std::string>& version, const Data& data) = 0;
};

// The webhook configuration, as far as it concerns us.
struct Configuration {
  struct Entry {
    std::string name;
    std::string ca_bundle;  // PEM, as it was written; "" for none
  };
  std::string version;
  std::vector<Entry> entries;  // those that call our service; never none
};

// For one thread at a time. Every call blocks for some seconds at most.
class TrustBundle {
 public:
  virtual ~TrustBundle() = default;

  // None: there is no such configuration, or nothing in it calls our service.
  virtual base::Result<std::optional<Configuration>> Read() = 0;

  // The caBundle of every entry of `read`, and nothing else of the configuration, if it is still of that version. Never makes one.
  virtual base::Result<Outcome> Write(const Configuration& read, const std::string& pem) = 0;
};

}  // namespace certs
