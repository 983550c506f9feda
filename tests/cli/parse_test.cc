#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command_line.h"

namespace cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <class Arguments>
Arguments Parsed(std::vector<std::string> words) {
  auto command = ParseCommandLine(std::move(words));
  EXPECT_TRUE(command) << command.error().text;
  EXPECT_TRUE(std::holds_alternative<Arguments>(*command));
  return std::get<Arguments>(*std::move(command));
}

Usage UsageOf(std::vector<std::string> words) {
  const auto command = ParseCommandLine(std::move(words));
  EXPECT_FALSE(command);
  return command ? Usage{} : command.error();
}

TEST(CommandLine, ReadsServeAndValidate) {
  EXPECT_EQ(Parsed<ServeArguments>({"serve", "--config", "c.yaml"}).config, "c.yaml");
  EXPECT_EQ(Parsed<ValidateArguments>({"validate", "--config=c.yaml"}).config, "c.yaml");
}

TEST(CommandLine, ReadsCheck) {
  const auto arguments = Parsed<CheckArguments>({"check", "--policy", "p", "--registries", "r", "-n", "shop", "-o", "json", "a.yaml", "-"});
  EXPECT_EQ(arguments.inputs.policy, "p");
  EXPECT_EQ(arguments.inputs.registries, "r");
  EXPECT_EQ(arguments.namespace_name, "shop");
  EXPECT_EQ(arguments.output, OutputFormat::kJson);
  EXPECT_THAT(arguments.files, ElementsAre("a.yaml", "-"));
}

TEST(CommandLine, ReadsRegistriesAndExplain) {
  EXPECT_THAT(Parsed<RegistriesArguments>({"registries", "--config", "c", "contoso", "fabrikam"}).names,
              ElementsAre("contoso", "fabrikam"));
  const auto explain = Parsed<ExplainArguments>({"explain", "-o", "json", "-"});
  EXPECT_THAT(explain.images, ElementsAre("-"));
  EXPECT_EQ(explain.output, OutputFormat::kJson);
}

TEST(CommandLine, ReadsScan) {
  const auto arguments = Parsed<ScanArguments>(
      {"scan", "--policy", "p", "--config", "c", "-n", "shop", "--kubeconfig", "k", "--context", "prod", "-o", "json"});
  EXPECT_EQ(arguments.inputs.policy, "p");
  EXPECT_EQ(arguments.inputs.config, "c");
  EXPECT_EQ(arguments.namespace_name, "shop");
  EXPECT_EQ(arguments.kubeconfig, "k");
  EXPECT_EQ(arguments.context, "prod");
  EXPECT_EQ(arguments.output, OutputFormat::kJson);
  EXPECT_THAT(Parsed<ScanArguments>({"scan", "--exclude-namespace", "a", "--exclude-namespace", "b"}).excluded, ElementsAre("a", "b"));
  EXPECT_EQ(UsageOf({"scan", "--namespace", "a", "--exclude-namespace", "b"}).exit_code, kExitError);
  EXPECT_THAT(Parsed<ScanArguments>({"scan", "--as-if", "a: b=c, d=[1,2]", "--as-if", "e: f=g"}).as_if,
              ElementsAre("a: b=c, d=[1,2]", "e: f=g"));
  EXPECT_EQ(UsageOf({"scan", "--namespace", ""}).exit_code, kExitError);
}

TEST(CommandLine, ReadsAuditReplay) {
  const auto arguments = Parsed<AuditReplayArguments>({"audit", "replay", "--policy", "p", "--config", "c", "--database", "d", "--since",
                                                       "30d", "--until", "1d", "--namespace", "shop*", "--definitions", "f", "-o", "json"});
  EXPECT_EQ(arguments.inputs.policy, "p");
  EXPECT_EQ(arguments.inputs.config, "c");
  EXPECT_EQ(arguments.inputs.definitions, "f");
  EXPECT_EQ(arguments.database, "d");
  EXPECT_EQ(arguments.since, "30d");
  EXPECT_EQ(arguments.until, "1d");
  EXPECT_EQ(arguments.namespace_name, "shop*");
  EXPECT_EQ(arguments.output, OutputFormat::kJson);
  EXPECT_EQ(arguments.cluster, "");
  EXPECT_EQ(Parsed<AuditReplayArguments>({"audit", "replay", "--policy", "p", "--cluster", "weu"}).cluster, "weu");
  EXPECT_EQ(Parsed<AuditReplayArguments>({"audit", "replay", "--policy", "p", "--records", "-", "--registries", "r"}).records, "-");
  EXPECT_THAT(UsageOf({"audit", "replay", "--database", "d"}).text, HasSubstr("--policy is required"));
  EXPECT_EQ(UsageOf({"audit", "replay", "--policy", "p", "--records", "-", "--database", "d"}).exit_code, kExitError);
  EXPECT_EQ(UsageOf({"audit", "replay", "--policy", "p", "--config", "c", "--registries", "r"}).exit_code, kExitError);
  EXPECT_THAT(UsageOf({"audit", "--namespace", "shop", "replay", "--policy", "p"}).text, HasSubstr("behind `replay`"));
}

TEST(CommandLine, ReadsEveryFilterOfAudit) {
  const auto arguments = Parsed<AuditArguments>(
      {"audit",      "--database", "d",          "--since", "1h",      "--until",  "2026-11-23", "--namespace", "shop",
       "--decision", "Denied",     "--registry", "h",       "--image", "*:latest", "--user",     "anna",        "--uid",
       "u-1",        "--limit",    "7",          "-o",      "jsonl",   "--follow", "--cluster",  "weu"});
  EXPECT_EQ(arguments.database, "d");
  EXPECT_EQ(arguments.filter.since, "1h");
  EXPECT_EQ(arguments.filter.until, "2026-11-23");
  EXPECT_EQ(arguments.filter.namespace_name, "shop");
  EXPECT_EQ(arguments.filter.decision, "Denied");
  EXPECT_EQ(arguments.filter.registry, "h");
  EXPECT_EQ(arguments.filter.image, "*:latest");
  EXPECT_EQ(arguments.filter.user, "anna");
  EXPECT_EQ(arguments.filter.uid, "u-1");
  EXPECT_EQ(arguments.filter.cluster, "weu");
  EXPECT_EQ(arguments.limit, 7);
  EXPECT_EQ(arguments.output, AuditOutput::kJsonLines);
  EXPECT_TRUE(arguments.follow);
}

TEST(CommandLine, ReadsAuditSummaryAndAuditShow) {
  const auto summary = Parsed<AuditSummaryArguments>({"audit",      "summary", "--config",   "c",  "--until", "1h", "--namespace", "shop*",
                                                      "--decision", "Denied",  "--registry", "h",  "--user",  "u",  "--limit",     "3",
                                                      "-o",         "json",    "--cluster",  "weu"});
  EXPECT_EQ(summary.config, "c");
  EXPECT_EQ(summary.filter.since, "24h");
  EXPECT_EQ(summary.filter.until, "1h");
  EXPECT_EQ(summary.filter.namespace_name, "shop*");
  EXPECT_EQ(summary.filter.decision, "Denied");
  EXPECT_EQ(summary.filter.registry, "h");
  EXPECT_EQ(summary.filter.user, "u");
  EXPECT_EQ(summary.filter.cluster, "weu");
  EXPECT_EQ(summary.limit, 3);
  EXPECT_EQ(summary.output, OutputFormat::kJson);
  EXPECT_EQ(Parsed<AuditSummaryArguments>({"audit", "summary", "--since", "7d"}).filter.since, "7d");

  const auto show = Parsed<AuditShowArguments>({"audit", "show", "--database", "d", "u-1", "--cluster", "weu"});
  EXPECT_EQ(show.database, "d");
  EXPECT_EQ(show.uid, "u-1");
  EXPECT_EQ(show.cluster, "weu");
  EXPECT_EQ(show.output, OutputFormat::kTable);
  EXPECT_THAT(UsageOf({"audit", "show"}).text, HasSubstr("uid"));
  EXPECT_THAT(UsageOf({"audit", "--since", "1h", "summary"}).text, HasSubstr("behind `summary`"));
}

TEST(CommandLine, ReadsDefinitionsList) {
  const auto arguments = Parsed<DefinitionsListArguments>({"definitions", "list", "--config", "c", "--definitions", "d", "-o", "json"});
  EXPECT_EQ(arguments.inputs.config, "c");
  EXPECT_EQ(arguments.inputs.definitions, "d");
  EXPECT_EQ(arguments.output, OutputFormat::kJson);
  EXPECT_EQ(Parsed<DefinitionsListArguments>({"definitions", "list", "--policy", "p"}).inputs.policy, "p");
  EXPECT_EQ(UsageOf({"definitions"}).exit_code, kExitError);
  const auto imported = Parsed<DefinitionsImportArguments>(
      {"definitions", "import", "--config", "c", "--subscription", "a", "b", "--management-group", "m", "--output", "o", "--policy", "p"});
  EXPECT_EQ(imported.config, "c");
  EXPECT_THAT(imported.subscriptions, ElementsAre("a", "b"));
  EXPECT_THAT(imported.management_groups, ElementsAre("m"));
  EXPECT_EQ(imported.output, "o");
  EXPECT_EQ(imported.policy, "p");
  EXPECT_THAT(UsageOf({"definitions", "import", "--config", "c"}).text, HasSubstr("--output is required"));
  EXPECT_THAT(UsageOf({"definitions", "import", "--output", "o"}).text, HasSubstr("--config is required"));
}

TEST(CommandLine, ReadsDefinitionsTest) {
  const auto arguments = Parsed<DefinitionsTestArguments>({"definitions", "test", "f.json", "--registries", "r", "--parameters", "a=1",
                                                           "contoso", "--parameters", "b=2", "--definitions", "d", "-o", "json"});
  EXPECT_EQ(arguments.file, "f.json");
  EXPECT_EQ(arguments.registries, "r");
  EXPECT_EQ(arguments.definitions, "d");
  EXPECT_THAT(arguments.parameters, ElementsAre("a=1", "b=2"));
  EXPECT_THAT(arguments.names, ElementsAre("contoso"));
  EXPECT_EQ(arguments.output, OutputFormat::kJson);
  EXPECT_THAT(UsageOf({"definitions", "test", "f.json"}).text, HasSubstr("--registries is required"));
}

TEST(CommandLine, NamesTheCommandsThatThereAre) {
  EXPECT_THAT(UsageOf({"frob"}).text, HasSubstr("expected serve, check, registries, explain, scan, audit, definitions or validate"));
}

TEST(CommandLine, TellsTheVersion) {
  const Usage usage = UsageOf({"--version"});
  EXPECT_EQ(usage.exit_code, kExitOk);
  EXPECT_THAT(usage.text, HasSubstr("acr-admission " ACR_VERSION));
}

TEST(CommandLine, HelpsWithAnExampleForEachCommand) {
  for (const std::string command : {"serve", "check", "registries", "explain", "audit", "definitions", "validate"}) {
    const Usage usage = UsageOf({command, "--help"});
    EXPECT_EQ(usage.exit_code, kExitOk);
    EXPECT_THAT(usage.text, HasSubstr("Example:\n  "));
    EXPECT_THAT(usage.text, HasSubstr("acr-admission " + command + " "));
    EXPECT_THAT(UsageOf({"--help"}).text, HasSubstr("\n  " + command + " "));
  }
}

TEST(CommandLine, RefusesWrongUsageAndSaysWhatIsWrong) {
  EXPECT_EQ(UsageOf({}).exit_code, kExitError);
  EXPECT_THAT(UsageOf({"serve"}).text, HasSubstr("--config"));
  EXPECT_THAT(UsageOf({"check"}).text, HasSubstr("files"));
  EXPECT_THAT(UsageOf({"explain", "-o", "xml", "nginx"}).text, HasSubstr("xml"));
  EXPECT_THAT(UsageOf({"registries", "--registries", "r", "--config", "c"}).text, HasSubstr("excludes"));
  EXPECT_THAT(UsageOf({"explain", "--colour", "nginx"}).text, HasSubstr("--colour"));
  EXPECT_EQ(UsageOf({"audit", "--limit", "many"}).exit_code, kExitError);
  EXPECT_EQ(UsageOf({"frobnicate"}).exit_code, kExitError);
  EXPECT_EQ(UsageOf({"explain", "-o", "xml", "nginx"}).exit_code, kExitError);
}

}  // namespace
}  // namespace cli
