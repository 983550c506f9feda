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
  EXPECT_EQ(Parsed<AuditReplayArguments>({"audit", "replay", "--policy", "p", "--records", "-", "--registries", "r"}).records, "-");
  EXPECT_THAT(UsageOf({"audit", "replay", "--database", "d"}).text, HasSubstr("--policy is required"));
  EXPECT_EQ(UsageOf({"audit", "replay", "--policy", "p", "--records", "-", "--database", "d"}).exit_code, kExitError);
  EXPECT_EQ(UsageOf({"audit", "replay", "--policy", "p", "--config", "c", "--registries", "r"}).exit_code, kExitError);
  EXPECT_THAT(UsageOf({"audit", "--namespace", "shop", "replay", "--policy", "p"}).text, HasSubstr("behind `replay`"));
}

TEST(CommandLine, ReadsEveryFilterOfAudit) {
  const auto arguments =
      Parsed<AuditArguments>({"audit", "--database", "d",      "--since",    "1h", "--until", "2026-11-23", "--namespace",
                              "shop",  "--decision", "Denied", "--registry", "h",  "--image", "*:latest",   "--user",
                              "anna",  "--uid",      "u-1",    "--limit",    "7",  "-o",      "jsonl",      "--follow"});
  EXPECT_EQ(arguments.database, "d");
  EXPECT_EQ(arguments.since, "1h");
  EXPECT_EQ(arguments.until, "2026-11-23");
  EXPECT_EQ(arguments.namespace_name, "shop");
  EXPECT_EQ(arguments.decision, "Denied");
  EXPECT_EQ(arguments.registry, "h");
  EXPECT_EQ(arguments.image, "*:latest");
  EXPECT_EQ(arguments.user, "anna");
  EXPECT_EQ(arguments.uid, "u-1");
  EXPECT_EQ(arguments.limit, 7);
  EXPECT_EQ(arguments.output, AuditOutput::kJsonLines);
  EXPECT_TRUE(arguments.follow);
}

TEST(CommandLine, TellsTheVersion) {
  const Usage usage = UsageOf({"--version"});
  EXPECT_EQ(usage.exit_code, kExitOk);
  EXPECT_THAT(usage.text, HasSubstr("acr-admission " ACR_VERSION));
}

TEST(CommandLine, HelpsWithAnExampleForEachCommand) {
  for (const std::string command : {"serve", "check", "registries", "explain", "audit", "validate"}) {
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
