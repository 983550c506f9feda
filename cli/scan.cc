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

base::Loaded<Question> AskedBy(const ScanArguments& arguments, const Streams& streams, const base::Clock& clock,
                               const azure::Environment& environment) {
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
  Judged now{(*state)->policy, (*state)->facts};
  if (!compare_policies) {
    return Question{std::move(now), std::nullopt};
  }
  auto config = LoadConfig(inputs.config);
  if (!config) {
    return tl::unexpected(std::move(config).error());
  }
  auto asked = LoadPolicyInputs(inputs, clock);
  if (!asked) {
    return tl::unexpected(std::move(asked).error());
  }
  Judged then{(*asked)->policy, JudgeBy(*(*asked)->policy, now.facts, KeeperOptionsOf(*config).hidden_members, clock.Now())};
  return Question{std::move(then), std::move(now)};
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
