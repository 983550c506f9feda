// How much of the machine is ours: what a container's limits leave of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cli {

// The limits of the control group (v2 or v1) that this process is in, and of those above it: the least counts. `root` is
// "" but for tests. Without a limit, or where none can be read: nothing.
std::optional<double> CgroupCpus(const std::string& root);
std::optional<std::size_t> CgroupMemory(const std::string& root);  // bytes

// Threads for the server when the configuration leaves it to us: the processors that we may run on, the control group's
// share of them rounded up, and never more than 4, which is far more than any API server asks for.
int DefaultThreads();

// Bytes that this process may use: the control group's limit, at most what the machine has.
std::size_t MemoryLimit();

// The numeric addresses of this machine's or pod's interfaces. Empty where they cannot be told.
std::vector<std::string> OwnAddresses();

// Of a pod's containers, the pod's name. "" when there is none.
std::string HostName();

}  // namespace cli
