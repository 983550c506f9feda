#include "policy/workload_name.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace policy {
namespace {

// k8s.io/apimachinery/pkg/util/rand: of these are pod-template-hash and the ends of generated names, so that no words come out.
constexpr std::string_view kHashCharacters = "bcdfghjklmnpqrstvwxz2456789";
constexpr std::string_view kDigits = "0123456789";

// Without a last part of such characters and such a length, or as it is.
std::string_view WithoutEnd(std::string_view name, std::string_view characters, std::size_t least, std::size_t most) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || dash == 0) {
    return name;
  }
  const std::string_view end = name.substr(dash + 1);
  const bool made = end.size() >= least && end.size() <= most && end.find_first_not_of(characters) == std::string_view::npos;
  return made ? name.substr(0, dash) : name;
}

}  // namespace

WorkloadRef WorkloadByName(std::string_view kind, std::string_view name) {
  while (name.ends_with('-')) {
    name.remove_suffix(1);  // a generateName
  }
  if (kind == "ReplicaSet") {
    // The hash is 32 bits in decimal digits, written in those characters.
    if (const std::string_view deployment = WithoutEnd(name, kHashCharacters, 6, 10); deployment != name) {
      return {"Deployment", std::string(deployment)};
    }
  } else if (kind == "Job") {
    // Minutes since 1970.
    if (const std::string_view cron_job = WithoutEnd(name, kDigits, 8, 8); cron_job != name) {
      return {"CronJob", std::string(cron_job)};
    }
  }
  return {std::string(kind), std::string(name)};
}

std::string WorkloadName(const Admission& admission) {
  const bool owned = !admission.owner_name.empty() && admission.owner_kind != "Node";  // a static pod's owner is where it runs
  const WorkloadRef workload =
      owned ? WorkloadByName(admission.owner_kind, admission.owner_name) : WorkloadByName(admission.kind, admission.name);
  return workload.kind + "/" + workload.name;
}

}  // namespace policy
