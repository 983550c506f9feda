// What one identity sees of Azure: registries by name, each in a subscription. No sockets.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "azure/registry_reader.h"
#include "base/clock.h"
#include "base/mutex.h"

namespace azure {

inline const std::string kOne = "00000000-0000-0000-0000-000000000001";
inline const std::string kTwo = "00000000-0000-0000-0000-000000000002";

inline std::string IdOf(const std::string& name, const std::string& subscription) {
  return "/subscriptions/" + subscription + "/resourceGroups/rg/providers/Microsoft.ContainerRegistry/registries/" + name;
}

inline ArmError ErrorOf(ArmError::Kind kind, int status, const std::string& code = {}) {
  ArmError error;
  error.kind = kind;
  error.status = status;
  error.code = code;
  error.message = "What happened.";
  return error;
}

// Safe for concurrent use. Everything fails alike, or nothing does.
class FakeReader final : public RegistryReader {
 public:
  explicit FakeReader(const base::Clock& clock) : clock_(clock) {}

  void Put(const std::string& name, const std::string& subscription = kOne) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    registries_[name] = subscription;
  }
  void Delete(const std::string& name) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    registries_.erase(name);
  }
  void Fail(std::optional<ArmError> error) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    failure_ = std::move(error);
  }
  // The lists of children alone.
  void FailChildren(std::optional<ArmError> error) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    children_failure_ = std::move(error);
  }
  // Called once, when the next list is put together and before it is handed over: something overtakes it.
  void BeforeAnswer(std::function<void()> overtaking) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    overtaking_ = std::move(overtaking);
  }
  // Called once, before the next list of children is put together.
  void BeforeChildren(std::function<void()> before) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    before_children_ = std::move(before);
  }
  std::vector<std::string> calls() const EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return calls_;
  }

  ArmResult<std::vector<Discovered>> Discover(const Scope&, std::chrono::milliseconds) override EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    calls_.push_back("discover");
    if (failure_) {
      return tl::unexpected(*failure_);
    }
    std::vector<Discovered> found;
    for (const auto& [name, subscription] : registries_) {
      found.push_back({IdOf(name, subscription), subscription, name + ".azurecr.io"});
    }
    return found;
  }
  ArmResult<std::vector<Discovered>> LookUp(const std::vector<std::string>& login_servers, const Scope&, std::chrono::milliseconds) override
      EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    calls_.push_back("look up " + std::to_string(login_servers.size()));
    if (failure_) {
      return tl::unexpected(*failure_);
    }
    std::vector<Discovered> found;
    for (const std::string& login_server : login_servers) {
      const auto registry = registries_.find(login_server.substr(0, login_server.find('.')));
      if (registry != registries_.end()) {
        found.push_back({IdOf(registry->first, registry->second), registry->second, login_server});
      }
    }
    return found;
  }
  ArmResult<std::vector<policy::Registry>> List(const std::string& subscription, std::chrono::milliseconds) override EXCLUDES(mutex_) {
    ArmResult<std::vector<policy::Registry>> answer = ListNow(subscription);
    if (const auto overtaking = TakeOvertaking()) {
      overtaking();
    }
    return answer;
  }
  ArmResult<policy::Registry> Get(const std::string& resource_id, std::chrono::milliseconds) override EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    const std::string name = resource_id.substr(resource_id.rfind('/') + 1);
    calls_.push_back("get " + name);
    if (failure_) {
      return tl::unexpected(*failure_);
    }
    const auto registry = registries_.find(name);
    if (registry == registries_.end()) {
      return tl::unexpected(ErrorOf(ArmError::Kind::kNotFound, 404, "ResourceNotFound"));
    }
    return RegistryOf(name, registry->second);
  }
  ArmResult<policy::ChildList> ListChildren(const std::string& resource_id, std::string_view kind, std::chrono::milliseconds) override
      EXCLUDES(mutex_) {
    if (const auto before = TakeBeforeChildren()) {
      before();
    }
    base::MutexLock lock(mutex_);
    const std::string name = resource_id.substr(resource_id.rfind('/') + 1);
    calls_.push_back(std::string(kind) + " of " + name);
    if (failure_ || children_failure_) {
      return tl::unexpected(failure_ ? *failure_ : *children_failure_);
    }
    if (!registries_.contains(name)) {
      return tl::unexpected(ErrorOf(ArmError::Kind::kNotFound, 404, "ResourceNotFound"));
    }
    return policy::ChildList{clock_.Now(), "[]", {}};
  }

 private:
  ArmResult<std::vector<policy::Registry>> ListNow(const std::string& subscription) EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    calls_.push_back("list " + subscription.substr(35));
    if (failure_) {
      return tl::unexpected(*failure_);
    }
    std::vector<policy::Registry> found;
    for (const auto& [name, of] : registries_) {
      if (of == subscription) {
        found.push_back(RegistryOf(name, of));
      }
    }
    return found;
  }
  std::function<void()> TakeOvertaking() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return std::exchange(overtaking_, nullptr);
  }
  std::function<void()> TakeBeforeChildren() EXCLUDES(mutex_) {
    base::MutexLock lock(mutex_);
    return std::exchange(before_children_, nullptr);
  }
  policy::Registry RegistryOf(const std::string& name, const std::string& subscription) const {
    return {name + ".azurecr.io", name, IdOf(name, subscription), clock_.Now(), "{}"};
  }

  const base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::map<std::string, std::string> registries_ GUARDED_BY(mutex_);
  std::optional<ArmError> failure_ GUARDED_BY(mutex_);
  std::optional<ArmError> children_failure_ GUARDED_BY(mutex_);
  std::vector<std::string> calls_ GUARDED_BY(mutex_);
  std::function<void()> overtaking_ GUARDED_BY(mutex_);
  std::function<void()> before_children_ GUARDED_BY(mutex_);
};

}  // namespace azure
