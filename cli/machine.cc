#include "cli/machine.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cli {
namespace {

constexpr std::size_t kMaxCgroupFile = 64 * 1024;
constexpr int kMostThreads = 4;

// What v1 writes for "no limit" is the largest page multiple, just below 2^63; no machine has half of it.
constexpr std::uint64_t kV1Unlimited = std::uint64_t{1} << 62;

std::string_view Trimmed(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \n");
  return text.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

// Nothing for "max", "-1" and whatever else is no count.
std::optional<std::uint64_t> ParseCount(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

std::optional<std::uint64_t> ReadCount(const std::string& file) {
  const base::Result<std::string> text = base::ReadFile(file, kMaxCgroupFile);
  return text ? ParseCount(Trimmed(*text)) : std::nullopt;
}

std::optional<double> Share(std::optional<std::uint64_t> quota, std::optional<std::uint64_t> period) {
  if (!quota || !period || *quota == 0 || *period == 0) {
    return std::nullopt;
  }
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

// "50000 100000" or "max 100000".
std::optional<double> CpusV2(const std::string& folder) {
  const base::Result<std::string> text = base::ReadFile(folder + "/cpu.max", kMaxCgroupFile);
  if (!text) {
    return std::nullopt;
  }
  const std::string_view line = Trimmed(*text);
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  return Share(ParseCount(line.substr(0, space)), ParseCount(line.substr(space + 1)));
}

std::optional<double> CpusV1(const std::string& folder) {
  return Share(ReadCount(folder + "/cpu.cfs_quota_us"), ReadCount(folder + "/cpu.cfs_period_us"));
}

std::optional<std::size_t> MemoryV2(const std::string& folder) { return ReadCount(folder + "/memory.max"); }

std::optional<std::size_t> MemoryV1(const std::string& folder) {
  const std::optional<std::uint64_t> bytes = ReadCount(folder + "/memory.limit_in_bytes");
  return bytes && *bytes < kV1Unlimited ? bytes : std::nullopt;
}

// A folder's value and those of all above it, down to `top`: the least. Inside a container the path in /proc is often the
// host's, of which only the top is mounted; folders that are not there have no say.
template <class T>
std::optional<T> LeastUpwards(const std::string& top, std::string path, const std::function<std::optional<T>(const std::string&)>& read) {
  std::optional<T> least;
  while (true) {
    if (const std::optional<T> value = read(top + path); value && (!least || *value < *least)) {
      least = value;
    }
    const std::size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) {
      return least;
    }
    path.resize(slash);
  }
}

struct Membership {
  std::string controllers;  // "" in v2, "cpu,cpuacct" in v1
  std::string path;         // without a final slash
};

bool HasController(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const std::size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) {
      return true;
    }
    controllers.remove_prefix(comma == std::string_view::npos ? controllers.size() : comma + 1);
  }
  return false;
}

// Lines "ID:CONTROLLERS:PATH", https://man7.org/linux/man-pages/man7/cgroups.7.html
std::vector<Membership> ReadMemberships(const std::string& root) {
  std::vector<Membership> memberships;
  const base::Result<std::string> text = base::ReadFile(root + "/proc/self/cgroup", kMaxCgroupFile);
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) {
      continue;
    }
    std::string path(line.substr(second + 1));
    while (!path.empty() && path.back() == '/') {
      path.pop_back();
    }
    memberships.push_back({std::string(line.substr(first + 1, second - first - 1)), std::move(path)});
  }
  return memberships;
}

template <class T>
std::optional<T> Least(const std::string& root, std::string_view controller,
                       const std::function<std::optional<T>(const std::string&)>& read_v2,
                       const std::function<std::optional<T>(const std::string&)>& read_v1) {
  std::optional<T> least;
  for (const Membership& membership : ReadMemberships(root)) {
    std::optional<T> value;
    if (membership.controllers.empty()) {
      value = LeastUpwards<T>(root + "/sys/fs/cgroup", membership.path, read_v2);
    } else if (HasController(membership.controllers, controller)) {
      value = LeastUpwards<T>(root + "/sys/fs/cgroup/" + membership.controllers, membership.path, read_v1);
    }
    if (value && (!least || *value < *least)) {
      least = value;
    }
  }
  return least;
}

int ProcessorsWeMayRunOn() {
  std::array<cpu_set_t, 16> set{};  // 16,384 processors: the kernel refuses a set smaller than its own
  if (sched_getaffinity(0, sizeof(set), set.data()) != 0) {
    return 1;
  }
  return std::max(1, CPU_COUNT_S(sizeof(set), set.data()));
}

}  // namespace

std::optional<double> CgroupCpus(const std::string& root) { return Least<double>(root, "cpu", CpusV2, CpusV1); }

std::optional<std::size_t> CgroupMemory(const std::string& root) { return Least<std::size_t>(root, "memory", MemoryV2, MemoryV1); }

int DefaultThreads() {
  int threads = std::min(ProcessorsWeMayRunOn(), kMostThreads);
  if (const std::optional<double> cpus = CgroupCpus(""); cpus && *cpus < threads) {
    threads = std::max(1, static_cast<int>(std::ceil(*cpus)));
  }
  return threads;
}

std::size_t MemoryLimit() {
  const std::size_t machine = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(machine, CgroupMemory("").value_or(machine));
}

std::vector<std::string> OwnAddresses() {
  ifaddrs* found = nullptr;
  if (getifaddrs(&found) != 0) {
    return {};
  }
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owned(found, &freeifaddrs);
  std::vector<std::string> addresses;
  for (const ifaddrs* each = found; each != nullptr; each = each->ifa_next) {
    const int family = each->ifa_addr == nullptr ? AF_UNSPEC : each->ifa_addr->sa_family;
    const void* address = nullptr;
    if (family == AF_INET) {
      address = &reinterpret_cast<const sockaddr_in*>(each->ifa_addr)->sin_addr;
    } else if (family == AF_INET6) {
      address = &reinterpret_cast<const sockaddr_in6*>(each->ifa_addr)->sin6_addr;
    }
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address != nullptr && inet_ntop(family, address, text.data(), text.size()) != nullptr) {
      addresses.emplace_back(text.data());
    }
  }
  return addresses;
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

}  // namespace cli
