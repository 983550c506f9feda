#include "cli/command_line.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/version.h"

namespace cli {
namespace {

constexpr const char* kDescription =
    "Admits pods whose images come from sources that the cluster's policy allows, and, where that is an\n"
    "Azure Container Registry, only when the registry itself is compliant.";

constexpr const char* kInputsNote = "Without --policy the default policy decides; without --registries or --config no registry is known.\n";

constexpr std::size_t kMaxShownCommand = 100;

// An empty value is a variable that was not set: as a filter it would show everybody's records.
std::string NotEmpty(const std::string& value) { return value.empty() ? "must not be empty" : ""; }

void AddOutput(CLI::App& app, OutputFormat& output) {
  app.add_option_function<std::string>(
         "-o,--output", [&output](const std::string& name) { output = name == "json" ? OutputFormat::kJson : OutputFormat::kTable; },
         "How to print (default: table)")
      ->check(CLI::IsMember({"table", "json"}))
      ->option_text("table|json");
}

void AddInputs(CLI::App& app, Inputs& inputs) {
  app.add_option("--policy", inputs.policy, "Policy file (default: the built-in default policy)")->option_text("FILE");
  CLI::Option* registries =
      app.add_option("--registries", inputs.registries, "Inventory: what `az acr list -o json` printed")->option_text("FILE");
  app.add_option("--config", inputs.config, "Take policy, definitions and inventory from serve's configuration")
      ->option_text("FILE")
      ->excludes(registries);
}

// What a subcommand's options are read into. One of them is what was asked for.
struct Arguments {
  ServeArguments serve;
  CheckArguments check;
  RegistriesArguments registries;
  ExplainArguments explain;
  AuditArguments audit;
  AuditShowArguments audit_show;
  AuditSummaryArguments audit_summary;
  AuditMigrateArguments audit_migrate;
  AuditReplayArguments audit_replay;
  AuditVerifyArguments audit_verify;
  DefinitionsListArguments definitions_list;
  DefinitionsTestArguments definitions_test;
  ScanArguments scan;
  DefinitionsImportArguments definitions_import;
  ValidateArguments validate;
};

CLI::App* AddServe(CLI::App& app, ServeArguments& arguments) {
  CLI::App* serve = app.add_subcommand("serve", "Run the webhook");
  serve->add_option("--config", arguments.config, "Configuration file (docs/configuration.md)")->required()->option_text("FILE");
  serve->footer(
      "\nEnds with 0 after a drain on SIGTERM or SIGINT; a second signal ends it at once.\n\n"
      "Example:\n  acr-admission serve --config /etc/acr-admission/config.yaml");
  return serve;
}

CLI::App* AddCheck(CLI::App& app, CheckArguments& arguments) {
  CLI::App* check = app.add_subcommand("check", "Decide manifests as the webhook would when they are applied");
  AddInputs(*check, arguments.inputs);
  check->add_option("-n,--namespace", arguments.namespace_name, "Namespace of objects that name none (default: default)")
      ->option_text("NAMESPACE");
  AddOutput(*check, arguments.output);
  check->add_option("files", arguments.files, "Manifests: YAML, JSON, a List, an AdmissionReview; - is standard input")
      ->required()
      ->option_text("FILE...");
  check->footer(std::string(kInputsNote) +
                "Ends with 0: allowed, 1: denied, 2: something could not be read.\n\n"
                "Example:\n  helm template . | acr-admission check --registries registries.json -");
  return check;
}

CLI::App* AddRegistries(CLI::App& app, RegistriesArguments& arguments) {
  CLI::App* registries = app.add_subcommand("registries", "Show each registry's verdict, its evidence and the command that mends it");
  AddInputs(*registries, arguments.inputs);
  registries->add_flag("--refresh", arguments.inputs.refresh, "Read Azure now, though what serve saved is there")->needs("--config");
  AddOutput(*registries, arguments.output);
  registries->add_option("names", arguments.names, "Registries by name or login server (default: all)")->option_text("NAME...");
  registries->footer(
      "\nExample:\n  az acr list -o json > registries.json\n  acr-admission registries --registries registries.json contoso");
  return registries;
}

CLI::App* AddExplain(CLI::App& app, ExplainArguments& arguments) {
  CLI::App* explain = app.add_subcommand("explain", "Tell what an image reference means and which rule meets it");
  AddInputs(*explain, arguments.inputs);
  AddOutput(*explain, arguments.output);
  explain
      ->add_option("images", arguments.images,
                   "Image references; - reads one a line, where a line that begins with a quotation mark is a JSON string")
      ->required()
      ->option_text("IMAGE...");
  explain->footer("\nExample:\n  acr-admission explain nginx contoso.westeurope.geo.azurecr.io/shop/cart:1.4");
  return explain;
}

CLI::App* AddScan(CLI::App& app, ScanArguments& arguments) {
  CLI::App* scan = app.add_subcommand("scan", "Tell what of all that runs in a cluster would be refused if it were made now");
  AddInputs(*scan, arguments.inputs);
  CLI::Option* one =
      scan->add_option("-n,--namespace", arguments.namespace_name, "Of this namespace alone")->check(NotEmpty)->option_text("NAMESPACE");
  scan->add_option("--exclude-namespace", arguments.excluded, "Leave this one out, as the webhook's configuration does; may be repeated")
      ->check(NotEmpty)
      ->allow_extra_args(false)
      ->option_text("NAMESPACE")
      ->excludes(one);
  scan->add_option("--as-if", arguments.as_if, "Compare with registries as they might be; may be repeated")
      ->check(NotEmpty)
      ->allow_extra_args(false)
      ->option_text("'HOST: path=value, …'");
  scan->add_option("--kubeconfig", arguments.kubeconfig, "The cluster (default: $KUBECONFIG, ~/.kube/config, or the pod's own)")
      ->check(NotEmpty)
      ->option_text("FILE");
  scan->add_option("--context", arguments.context, "The kubeconfig's context (default: its current one)")
      ->check(NotEmpty)
      ->option_text("NAME");
  AddOutput(*scan, arguments.output);
  scan->footer(std::string(kInputsNote) +
               "With --policy and --config the two policies are compared: what --policy would newly refuse, and no longer.\n"
               "Ends with 0: nothing would be refused (in a comparison: newly), 1: something would, 2: something could not be read.\n\n"
               "Example:\n  az acr list -o json > registries.json\n  acr-admission scan --registries registries.json --policy new.yaml\n"
               "  acr-admission scan --config config.yaml --as-if 'contoso.azurecr.io: publicNetworkAccess=Enabled'");
  return scan;
}

AuditOutput AuditOutputOf(std::string_view name) {
  if (name == "json") {
    return AuditOutput::kJson;
  }
  if (name == "jsonl") {
    return AuditOutput::kJsonLines;
  }
  return name == "csv" ? AuditOutput::kCsv : AuditOutput::kTable;
}

void AddCluster(CLI::App& command, std::string& cluster, const char* otherwise) {
  command.add_option("--cluster", cluster, std::string("Of this cluster (default: ") + otherwise + ")")
      ->check(NotEmpty)
      ->option_text("NAME");
}

void AddAuditDatabase(CLI::App& command, std::string& database, std::string& config) {
  CLI::Option* option = command.add_option("--database", database, "The audit database (default: audit.db)")->option_text("FILE");
  command.add_option("--config", config, "Take the database from serve's configuration")->option_text("FILE")->excludes(option);
}

// `since`: what --since is by default, as help says it.
void AddAuditFilter(CLI::App& command, AuditFilterArguments& filter, const std::string& since) {
  command.add_option("--since", filter.since, "Not older: 90m, 7d, today, '2026-11-23 14:00', a date, an RFC 3339 time" + since)
      ->check(NotEmpty)
      ->option_text("T");
  command.add_option("--until", filter.until, "Older than this, as --since")->check(NotEmpty)->option_text("T");
  command.add_option("--namespace", filter.namespace_name, "Of this namespace; 'shop*' is a beginning")
      ->check(NotEmpty)
      ->option_text("NAMESPACE");
  command.add_option("--decision", filter.decision, "With this decision")
      ->check(NotEmpty)
      ->option_text("Allowed|Warned|Denied|VerdictChanged");
  command.add_option("--registry", filter.registry, "With an image from this registry host, or beginning")
      ->check(NotEmpty)
      ->option_text("HOST");
  command.add_option("--image", filter.image, "With an image like this; * is any text")->check(NotEmpty)->option_text("GLOB");
  command.add_option("--user", filter.user, "Asked for by this user, or beginning")->check(NotEmpty)->option_text("USER");
  AddCluster(command, filter.cluster, "any");
}

CLI::App* AddAudit(CLI::App& app, AuditArguments& arguments) {
  CLI::App* audit = app.add_subcommand("audit", "Query the audit log, newest first");
  AddAuditDatabase(*audit, arguments.database, arguments.config);
  AddAuditFilter(*audit, arguments.filter, "");
  audit->add_option("--uid", arguments.filter.uid, "The one with this audit uid, which a denial names")->check(NotEmpty)->option_text("ID");
  audit->add_option("--limit", arguments.limit, "At most so many (default: 100; none with --follow)")->option_text("N");
  audit
      ->add_option_function<std::string>(
          "-o,--output", [&arguments](const std::string& name) { arguments.output = AuditOutputOf(name); }, "How to print (default: table)")
      ->check(CLI::IsMember({"table", "json", "jsonl", "csv"}))
      ->option_text("table|json|jsonl|csv");
  audit->add_flag("--follow", arguments.follow, "Go on with new records as they are committed; table and jsonl alone");
  audit->footer("\nExample:\n  acr-admission audit --config config.yaml --since 1h --decision Denied --namespace shop");
  return audit;
}

CLI::App* AddAuditSummary(CLI::App& audit, AuditSummaryArguments& arguments) {
  CLI::App* summary =
      audit.add_subcommand("summary", "Count denials and warnings: over time, by registry, requirement, namespace and user");
  AddAuditDatabase(*summary, arguments.database, arguments.config);
  AddAuditFilter(*summary, arguments.filter, " (default: 24h)");
  summary->add_option("--limit", arguments.limit, "Rows of each table (default: 10)")->option_text("N");
  AddOutput(*summary, arguments.output);
  summary->footer("\nExample:\n  acr-admission audit summary --config config.yaml --since 7d --namespace 'shop*'");
  return summary;
}

CLI::App* AddAuditShow(CLI::App& audit, AuditShowArguments& arguments) {
  CLI::App* show = audit.add_subcommand("show", "Show all of one record: what was found, and what the person was told");
  AddAuditDatabase(*show, arguments.database, arguments.config);
  AddCluster(*show, arguments.cluster, "any");
  AddOutput(*show, arguments.output);
  show->add_option("uid", arguments.uid, "The audit uid, which a denial names")->required()->check(NotEmpty)->option_text("UID");
  show->footer("\nExample:\n  acr-admission audit show --config config.yaml 705ab4f5-6393-11e8-b7cc-42010a800002");
  return show;
}

CLI::App* AddAuditVerify(CLI::App& audit, AuditVerifyArguments& arguments) {
  CLI::App* verify = audit.add_subcommand("verify", "Tell whether the audit log is as it was written");
  AddAuditDatabase(*verify, arguments.database, arguments.config);
  verify->add_option("--anchors", arguments.anchors, "serve's standard output as a collector has it; - is standard input")
      ->check(NotEmpty)
      ->option_text("FILE|-");
  verify->footer(
      "\nEnds with 0: whole, or without anchors consistent; 1: broken, and from which record on; 2: could not be told.\n\n"
      "Example:\n  kubectl logs deployment/acr-admission | acr-admission audit verify --database audit.db --anchors -");
  return verify;
}

CLI::App* AddAuditMigrate(CLI::App& audit, AuditMigrateArguments& arguments) {
  CLI::App* migrate = audit.add_subcommand("migrate", "Make the schema in PostgreSQL, or bring it up to date");
  migrate->add_option("--config", arguments.config, "serve's configuration, for its audit.postgresql")->required()->option_text("FILE");
  migrate->add_option("--user", arguments.user, "As this user, who may make tables (default: the configuration's)")
      ->check(NotEmpty)
      ->option_text("NAME");
  migrate->add_option("--password-file", arguments.password_file, "With the password in this file (default: the configuration's)")
      ->check(NotEmpty)
      ->option_text("FILE");
  migrate->footer(
      "\nEnds with 0, also when there is nothing to do, or 2.\n\n"
      "Example:\n  acr-admission audit migrate --config config.yaml --user postgres --password-file password");
  return migrate;
}

CLI::App* AddAuditReplay(CLI::App& audit, AuditReplayArguments& arguments) {
  CLI::App* replay = audit.add_subcommand("replay", "Tell what another policy would have decided about the admissions on record");
  replay->add_option("--policy", arguments.inputs.policy, "The policy that is asked about")
      ->required()
      ->check(NotEmpty)
      ->option_text("FILE");
  CLI::Option* database =
      replay->add_option("--database", arguments.database, "The audit database (default: the configuration's, or audit.db)")
          ->check(NotEmpty)
          ->option_text("FILE");
  replay->add_option("--records", arguments.records, "serve's standard output as a collector has it, instead; - is standard input")
      ->check(NotEmpty)
      ->option_text("FILE|-")
      ->excludes(database);
  CLI::Option* registries =
      replay->add_option("--registries", arguments.inputs.registries, "Inventory: what records lack is taken from what it says now")
          ->check(NotEmpty)
          ->option_text("FILE");
  replay->add_option("--config", arguments.inputs.config, "Take log, definitions and inventory from serve's configuration")
      ->check(NotEmpty)
      ->option_text("FILE")
      ->excludes(registries);
  replay->add_option("--definitions", arguments.inputs.definitions, "A folder of further definition files (default: the configuration's)")
      ->check(NotEmpty)
      ->option_text("FOLDER");
  replay->add_option("--since", arguments.since, "Not older: a duration back from now, a date, an RFC 3339 time (default: 7d)")
      ->check(NotEmpty)
      ->option_text("T");
  replay->add_option("--until", arguments.until, "Older than this, as --since (default: now)")->check(NotEmpty)->option_text("T");
  replay->add_option("--namespace", arguments.namespace_name, "Of this namespace; name* is all that begin so")
      ->check(NotEmpty)
      ->option_text("NAMESPACE");
  AddCluster(*replay, arguments.cluster, "the configuration's, over PostgreSQL");
  AddOutput(*replay, arguments.output);
  replay->footer(
      "\nEnds with 0: nothing would newly be denied; 1: something would, or cannot be told not to; 2: something could not be read.\n\n"
      "Example:\n  acr-admission audit replay --config config.yaml --policy new.yaml --since 30d");
  return replay;
}

CLI::App* AddDefinitions(CLI::App& app) {
  CLI::App* definitions = app.add_subcommand("definitions", "Show what registries are judged by");
  definitions->require_subcommand(1);
  definitions->footer("\nExample:\n  acr-admission definitions list --config config.yaml");
  return definitions;
}

CLI::App* AddDefinitionsList(CLI::App& definitions, DefinitionsListArguments& arguments) {
  CLI::App* list = definitions.add_subcommand("list", "List the definitions, their parameters, and what a policy requires of them");
  list->add_option("--policy", arguments.inputs.policy, "Tell what this policy requires (default: the configuration's)")
      ->check(NotEmpty)
      ->option_text("FILE");
  list->add_option("--config", arguments.inputs.config, "Take policy and definitions from serve's configuration")
      ->check(NotEmpty)
      ->option_text("FILE");
  list->add_option("--definitions", arguments.inputs.definitions, "A folder of further definition files (default: the configuration's)")
      ->check(NotEmpty)
      ->option_text("FOLDER");
  AddOutput(*list, arguments.output);
  list->footer(
      "\nEnds with 0, or 2 when a file could not be read; the others are listed all the same.\n\n"
      "Example:\n  acr-admission definitions list --config config.yaml");
  return list;
}

CLI::App* AddDefinitionsTest(CLI::App& definitions, DefinitionsTestArguments& arguments) {
  CLI::App* test =
      definitions.add_subcommand("test", "Tell what a definition or an initiative says of each registry, condition by condition");
  test->add_option("file", arguments.file,
                   "What `az policy definition show` or `az policy set-definition show` printed; - is standard input")
      ->required()
      ->option_text("FILE");
  test->add_option("names", arguments.names, "Registries by name or login server (default: all)")->option_text("NAME...");
  test->add_option("--registries", arguments.registries, "Inventory: what `az acr list -o json` printed; - is standard input")
      ->required()
      ->check(NotEmpty)
      ->option_text("FILE");
  test->add_option("--parameters", arguments.parameters, "A parameter's value, or a JSON object of several; may be repeated")
      ->allow_extra_args(false)
      ->check(NotEmpty)
      ->option_text("NAME=VALUE|JSON");
  test->add_option("--definitions", arguments.definitions,
                   "A folder with the definitions of an initiative (default: the built-in ones alone)")
      ->check(NotEmpty)
      ->option_text("FOLDER");
  AddOutput(*test, arguments.output);
  test->footer(
      "\nEnds with 0 whatever the definition says, or 2 when something could not be read.\n\n"
      "Example:\n  acr-admission definitions test no-weak-registries.json --registries registries.json --parameters sku=Premium contoso");
  return test;
}

CLI::App* AddDefinitionsImport(CLI::App& definitions, DefinitionsImportArguments& arguments) {
  CLI::App* command = definitions.add_subcommand("import", "Write what Azure Policy has assigned as definition files and a policy file");
  command->add_option("--config", arguments.config, "serve's configuration, for its cloud and credentials")
      ->required()
      ->option_text("FILE");
  command->add_option("--subscription", arguments.subscriptions, "What is assigned to these (default: the configuration's scopes)")
      ->check(NotEmpty)
      ->option_text("ID...");
  command->add_option("--management-group", arguments.management_groups, "And to all subscriptions below these")
      ->check(NotEmpty)
      ->option_text("NAME...");
  command->add_option("--output", arguments.output, "The folder to write policy.yaml and definitions/ into")
      ->required()
      ->check(NotEmpty)
      ->option_text("FOLDER");
  command->add_option("--policy", arguments.policy, "What else the policy says: a policy file without requirements and exemptions")
      ->check(NotEmpty)
      ->option_text("FILE");
  command->footer(
      "\nEnds with 0; 1: written, but something that is assigned was left out; 2: nothing was written.\n\n"
      "Example:\n  acr-admission definitions import --config config.yaml --management-group production --output imported");
  return command;
}

bool IsCommand(const CLI::App& app, const std::string& name) {
  return !app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; }).empty();
}

// "serve, check or validate"
std::string NamesOfCommands(const CLI::App& app) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  std::string names;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    names += (i == 0 ? "" : i + 1 == commands.size() ? " or " : ", ") + commands[i]->get_name();
  }
  return names;
}

bool HasOptions(const CLI::App& app) {
  const auto options = app.get_options();
  return std::any_of(options.begin(), options.end(), [](const CLI::Option* option) { return option->count() > 0; });
}

CLI::App* AddValidate(CLI::App& app, ValidateArguments& arguments) {
  CLI::App* validate = app.add_subcommand("validate", "Load all that serve would, and report every problem");
  validate->add_option("--config", arguments.config, "Configuration file (docs/configuration.md)")->required()->option_text("FILE");
  validate->footer("\nEnds with 0, or 2 when there is a problem.\n\nExample:\n  acr-admission validate --config config.yaml");
  return validate;
}

}  // namespace

tl::expected<Command, Usage> ParseCommandLine(std::vector<std::string> arguments) {
  Arguments read;
  CLI::App app(kDescription, "acr-admission");
  app.set_version_flag("--version", "acr-admission " + std::string(kVersion));
  app.require_subcommand(1);
  app.footer("\nacr-admission COMMAND --help tells more, with an example.");
  const CLI::App* const serve = AddServe(app, read.serve);
  const CLI::App* const check = AddCheck(app, read.check);
  const CLI::App* const registries = AddRegistries(app, read.registries);
  const CLI::App* const explain = AddExplain(app, read.explain);
  const CLI::App* const scan = AddScan(app, read.scan);
  CLI::App* const audit = AddAudit(app, read.audit);
  const CLI::App* const show = AddAuditShow(*audit, read.audit_show);
  const CLI::App* const summary = AddAuditSummary(*audit, read.audit_summary);
  const CLI::App* const verify = AddAuditVerify(*audit, read.audit_verify);
  const CLI::App* const migrate = AddAuditMigrate(*audit, read.audit_migrate);
  const CLI::App* const replay = AddAuditReplay(*audit, read.audit_replay);
  CLI::App* const definitions = AddDefinitions(app);
  const CLI::App* const definitions_list = AddDefinitionsList(*definitions, read.definitions_list);
  const CLI::App* const definitions_test = AddDefinitionsTest(*definitions, read.definitions_test);
  const CLI::App* const definitions_import = AddDefinitionsImport(*definitions, read.definitions_import);
  AddValidate(app, read.validate);
  if (!arguments.empty() && !arguments.front().starts_with('-') && !IsCommand(app, arguments.front())) {
    return tl::unexpected(Usage{kExitError, "no such command: " + base::Printable(arguments.front(), kMaxShownCommand) + "; expected " +
                                                NamesOfCommands(app) + "\nRun with --help for more information.\n"});
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream err;
    const bool asked_for = app.exit(error, out, err) == 0;  // --help, --version
    return tl::unexpected(Usage{asked_for ? kExitOk : kExitError, asked_for ? out.str() : err.str()});
  }
  if (serve->parsed()) {
    return Command(std::move(read.serve));
  }
  if (check->parsed()) {
    return Command(std::move(read.check));
  }
  if (registries->parsed()) {
    return Command(std::move(read.registries));
  }
  if (explain->parsed()) {
    return Command(std::move(read.explain));
  }
  if (scan->parsed()) {
    return Command(std::move(read.scan));
  }
  for (const CLI::App* const command : audit->get_subcommands()) {
    if (HasOptions(*audit)) {  // between `audit` and its command they would mean nothing
      const std::string name = command->get_name();
      return tl::unexpected(
          Usage{kExitError, "audit " + name + " takes its options behind `" + name + "`\nRun with --help for more information.\n"});
    }
  }
  if (show->parsed()) {
    return Command(std::move(read.audit_show));
  }
  if (summary->parsed()) {
    return Command(std::move(read.audit_summary));
  }
  if (verify->parsed()) {
    return Command(std::move(read.audit_verify));
  }
  if (migrate->parsed()) {
    return Command(std::move(read.audit_migrate));
  }
  if (replay->parsed()) {
    return Command(std::move(read.audit_replay));
  }
  if (definitions_list->parsed()) {
    return Command(std::move(read.definitions_list));
  }
  if (definitions_test->parsed()) {
    return Command(std::move(read.definitions_test));
  }
  if (definitions_import->parsed()) {
    return Command(std::move(read.definitions_import));
  }
  if (audit->parsed()) {
    return Command(std::move(read.audit));
  }
  return Command(std::move(read.validate));
}

}  // namespace cli
