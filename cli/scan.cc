#include "cli/scan.h"

#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "cli/environment.h"
#include "cli/running.h"
#include "cli/scan_report.h"
#include "cli/version.h"
#include "kube/find_config.h"
#include "kube/network.h"
#include "scan/as_if.h"
#include "scan/assess.h"
#include "scan/compare.h"
#include "state/load.h"

namespace cli {
namespace {

// A policy, and the registries judged by it.
struct Judged {
  std::shared_ptr<const policy::Policy> policy;
  policy::Facts facts;
};

struct Question {
  Judged asked;
  std::optional<Judged> before;
};

policy::Facts JudgeBy(const policy::Policy& policy, const policy::Facts& facts, policy::HiddenMembers hidden, base::Time now) {
  std::vector<policy::Registry> registries;
  registries.reserve(facts.size());
  for (const auto& [login_server, known] : facts) {
    registries.push_back(known->registry);
  }
  return state::JudgeAll(std::move(registries), policy, facts, nullptr, now, hidden);
}

tl::unexpected<base::Problems> BadAsIf(const base::Error& error) {
  return tl::unexpected(base::Problems{{"--as-if", 0, 0, error.ToString()}});
}

base::Loaded<std::vector<scan::AsIf>> ParseChanges(const std::vector<std::string>& texts) {
  std::vector<scan::AsIf> changes;
  for (const std::string& text : texts) {
    auto change = scan::ParseAsIf(text);
    if (!change) {
      return BadAsIf(change.error());
    }
    changes.push_back(*std::move(change));
  }
  return changes;
}

// What is asked about, and what it is compared with: the policy in force with another, registries as they are with what they might be.
base::Loaded<Question> AskedBy(const ScanArguments& arguments, const Streams& streams, const base::Clock& clock,
                               const azure::Environment& environment) {
  const auto changes = ParseChanges(arguments.as_if);  // before anything is read: that may take a while
  if (!changes) {
    return tl::unexpected(changes.error());
  }
  const Inputs& inputs = arguments.inputs;
  const bool compare_policies = !inputs.config.empty() && !inputs.policy.empty();
  Inputs in_force = inputs;
  if (compare_policies) {
    in_force.policy.clear();
  }
  auto state = LoadInputs(in_force, streams, clock, environment);
  if (!state) {
    return tl::unexpected(std::move(state).error());
  }
  if (!(*state)->primed) {
    streams.err << kNoInventoryNote;
  }
  Question question{{(*state)->policy, (*state)->facts}, std::nullopt};
  policy::HiddenMembers hidden = policy::HiddenMembers::kAsAzure;
  if (!inputs.config.empty()) {
    const auto config = LoadConfig(inputs.config);
    if (!config) {
      return tl::unexpected(config.error());
    }
    hidden = KeeperOptionsOf(*config).hidden_members;
  }
  if (compare_policies || !changes->empty()) {
    question.before = question.asked;
  }
  if (compare_policies) {
    const auto asked = LoadPolicyInputs(inputs, clock);
    if (!asked) {
      return tl::unexpected(asked.error());
    }
    question.asked = {(*asked)->policy, JudgeBy(*(*asked)->policy, question.asked.facts, hidden, clock.Now())};
  }
  auto changed = scan::ApplyAsIf(question.asked.facts, *changes, *question.asked.policy, clock.Now(), hidden);
  if (!changed) {
    return BadAsIf(changed.error());
  }
  question.asked.facts = *std::move(changed);
  return question;
}

int Fail(const std::string& problem, std::ostream& err) {
  err << problem << '\n';
  return kExitError;
}

ScanSide Assessed(const Judged& judged, const scan::Index& index, base::Time now) {
  return {*judged.policy, judged.facts, scan::Assess(index, *judged.policy, judged.facts, now)};
}

int ExitOf(const ScanReport& report) {
  const std::int64_t refused = report.before ? report.comparison.newly_refused : report.asked.assessment.of_workloads.refused;
  return refused > 0 ? kExitDenied : report.incomplete.empty() ? kExitOk : kExitError;
}

int Scan(kube::Api& api, const std::function<void(std::chrono::milliseconds)>& wait, const Question& question,
         const ScanArguments& arguments, const Streams& streams, const base::Clock& clock) {
  scan::Index index;
  const RunningQuestion running_question{arguments.namespace_name, {arguments.excluded.begin(), arguments.excluded.end()}};
  auto running = ReadRunning(api, running_question, streams, wait, index);
  if (!running) {
    return Fail(running.error().ToString(), streams.err);
  }
  const base::Time now = clock.Now();
  ScanReport report{
      .time = now, .index = index, .asked = Assessed(question.asked, index, now), .incomplete = std::move(running->incomplete)};
  if (question.before) {
    report.before.emplace(Assessed(*question.before, index, now));
    report.comparison = scan::Compare(report.before->assessment, report.asked.assessment);
  }
  if (arguments.output == OutputFormat::kJson) {
    WriteScanJson(report, streams.out);
  } else {
    WriteScanTables(report, streams.terminal, streams.out);
  }
  return ExitOf(report);
}

}  // namespace

int RunScan(kube::Api& api, const std::function<void(std::chrono::milliseconds)>& wait, const ScanArguments& arguments,
            const Streams& streams, const base::Clock& clock, const azure::Environment& environment) {
  const auto question = AskedBy(arguments, streams, clock, environment);
  return question ? Scan(api, wait, *question, arguments, streams, clock) : Fail(base::ToString(question.error()), streams.err);
}

int RunScan(const ScanArguments& arguments, const Streams& streams, const base::Clock& clock, const azure::Environment& environment) {
  const auto found = kube::FindConfig(arguments.kubeconfig, arguments.context, environment);
  if (!found) {
    return Fail(found.error().ToString(), streams.err);
  }
  const auto client = kube::MakeNetworkClient(found->config, std::string(kVersion),
                                              found->in_cluster ? http::ProxySettings() : ProxiesOf(environment), clock);
  if (!client) {
    return Fail(client.error().ToString(), streams.err);
  }
  kube::Api api(found->config, **client, clock);
  return RunScan(api, [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }, arguments, streams, clock, environment);
}

}  // namespace cli
