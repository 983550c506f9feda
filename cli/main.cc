#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "cli/command_line.h"
#include "cli/environment.h"
#include "cli/process.h"

namespace {

// The server's memory is spread over arenas by thread; two keep it together and cost its few threads nothing.
constexpr int kArenas = 2;

int Run(const cli::ServeArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  std::signal(SIGPIPE, SIG_IGN);
  mallopt(M_ARENA_MAX, kArenas);
  return cli::RunServe(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::CheckArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunCheck(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::RegistriesArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunRegistries(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::ExplainArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunExplain(arguments, streams, clock);
}
int Run(const cli::AuditArguments& arguments, const cli::Streams& streams, const base::Clock&) {
  return cli::RunAuditCommand(arguments, streams.out, streams.err);
}
int Run(const cli::AuditMigrateArguments& arguments, const cli::Streams& streams, const base::Clock&) {
  return cli::RunAuditMigrate(arguments, streams);
}
int Run(const cli::AuditReplayArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunAuditReplay(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::AuditShowArguments& arguments, const cli::Streams& streams, const base::Clock&) {
  return cli::RunAuditShow(arguments, streams);
}
int Run(const cli::AuditSummaryArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunAuditSummary(arguments, streams, clock);
}
int Run(const cli::AuditVerifyArguments& arguments, const cli::Streams& streams, const base::Clock&) {
  return cli::RunAuditVerify(arguments, streams);
}
int Run(const cli::DefinitionsListArguments& arguments, const cli::Streams& streams, const base::Clock&) {
  return cli::RunDefinitionsList(arguments, streams);
}
int Run(const cli::DefinitionsTestArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunDefinitionsTest(arguments, streams, clock);
}
int Run(const cli::ScanArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunScan(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::DefinitionsImportArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunDefinitionsImport(arguments, streams, clock, cli::EnvironmentVariable);
}
int Run(const cli::ValidateArguments& arguments, const cli::Streams& streams, const base::Clock& clock) {
  return cli::RunValidate(arguments, streams, clock, cli::EnvironmentVariable);
}

}  // namespace

int main(int argc, char** argv) {
  cli::BlockStopSignals();
  cli::HardenProcess();
  std::ios::sync_with_stdio(false);

  const auto command = cli::ParseCommandLine(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  if (!command) {
    const cli::Usage& usage = command.error();
    (usage.exit_code == cli::kExitOk ? std::cout : std::cerr) << usage.text;
    return usage.exit_code;
  }
  if (!std::holds_alternative<cli::ServeArguments>(*command)) {
    cli::UnblockStopSignals();
  }
  const cli::Streams streams{std::cin, std::cout, std::cerr, cli::DescribeTerminal(STDOUT_FILENO), isatty(STDERR_FILENO) == 1};
  const base::SystemClock clock;
  int exit = std::visit([&](const auto& arguments) { return Run(arguments, streams, clock); }, *command);
  if (!std::cout.flush() && exit != cli::kExitError) {
    std::cerr << "standard output cannot be written\n";
    exit = cli::kExitError;
  }
  return exit;
}
