#include "cli/validate.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "base/problem.h"
#include "base/secret_file.h"
#include "base/time.h"
#include "certs/file_identity.h"
#include "cli/azure_client.h"
#include "cli/client_ca.h"
#include "cli/cluster.h"
#include "cli/config.h"
#include "cli/inputs.h"
#include "http/tls_trust.h"

namespace cli {
namespace {

// "" when serve could keep a file there.
std::string WrittenFileProblem(const std::string& file, std::string_view key) {
  const std::filesystem::path path(file);
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return file + ": the folder " + folder + " does not exist; create it, or set " + std::string(key);
  }
  if (access(folder.c_str(), W_OK | X_OK) != 0) {
    return file + ": the folder " + folder + " cannot be written to; name a file in one that can, with " + std::string(key);
  }
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    return file + ": is no regular file; name one with " + std::string(key);
  }
  return {};
}

std::string ValidityProblem(const certs::Identity& identity, const std::string& file, base::Time now) {
  if (identity.not_after <= now) {
    return file + ": expired at " + base::FormatTimeSeconds(identity.not_after);
  }
  if (identity.not_before > now) {
    return file + ": not valid before " + base::FormatTimeSeconds(identity.not_before);
  }
  return {};
}

// Nothing is sent while settings are judged.
class NoClient final : public http::Client {
  base::Result<http::Response> Send(const http::Request&) override {
    return base::Fail(base::ErrorCode::kUnavailable, "this command asks nobody");
  }
};

// What `serve` would read Azure with.
struct AzureReading {
  std::vector<std::string> problems;
  std::string identities;  // "managed identity 0b8f…, workload identity …"
};

AzureReading CheckAzure(const std::string& config_file, const InventoryConfig& inventory, const azure::Environment& environment,
                        const base::Clock& clock) {
  AzureReading reading;
  if (const auto network = MakeAzureClient(inventory, environment, clock); !network) {
    reading.problems.push_back(network.error().ToString());
  }
  NoClient client;
  for (std::size_t i = 0; i < inventory.identities.size(); ++i) {
    const auto source = azure::MakeTokenSource(inventory.identities[i].credential, environment, inventory.cloud, client, clock,
                                               [](std::chrono::milliseconds) { return false; });
    if (!source) {
      reading.problems.push_back(config_file + ": inventory.azure[" + std::to_string(i) + "].credential: " + source.error().ToString());
      continue;
    }
    reading.identities += (reading.identities.empty() ? "" : ", ") + (*source)->Describe();
  }
  return reading;
}

// Of the files that a connection to PostgreSQL needs; nobody is asked.
std::vector<std::string> PostgresqlProblems(const audit::postgresql::Server& server) {
  std::vector<std::string> problems;
  if (!server.password_file.empty()) {
    if (const auto password = base::ReadSecretFile(server.password_file); !password) {
      problems.push_back(password.error().ToString());
    }
  }
  for (const std::string& file : {server.ca, server.certificate, server.key}) {
    if (!file.empty() && access(file.c_str(), R_OK) != 0) {
      problems.push_back(file + ": cannot be read; name a PEM file in audit.postgresql.tls");
    }
  }
  return problems;
}

}  // namespace

int RunValidate(const ValidateArguments& arguments, const Streams& streams, const base::Clock& clock,
                const azure::Environment& environment) {
  const base::Loaded<Config> config = LoadConfig(arguments.config);
  if (!config) {
    streams.err << base::ToString(config.error()) << '\n';
    return kExitError;
  }
  int exit = kExitOk;
  const auto report = [&](std::string_view problem) {
    streams.err << problem << '\n';
    exit = kExitError;
  };

  const auto state = state::LoadOnce(KeeperOptionsOf(*config), clock);
  if (!state) {
    report(base::ToString(state.error()));
  }
  certs::FileIdentity files(config->tls.certificate, config->tls.key, [](base::LogLevel, std::string_view) {});
  if (!config->tls.managed) {
    if (const base::Result<void> loaded = files.Load(); !loaded) {
      report(loaded.error().ToString());
    }
  }
  if (!config->server.client_ca.empty()) {
    if (const base::Result<std::string> ca = ReadClientCa(config->server.client_ca); !ca) {
      report(ca.error().ToString());
    }
  }
  if (config->kubernetes) {
    const auto cluster = Cluster::Create(*config->kubernetes, environment, clock, [](base::LogLevel, std::string_view) {});
    if (!cluster) {
      report(cluster.error().ToString());
    }
  }
  std::string from;
  if (config->inventory.source == InventorySource::kAzure) {
    const AzureReading reading = CheckAzure(arguments.config, config->inventory, environment, clock);
    for (const std::string& problem : reading.problems) {
      report(problem);
    }
    from = " saved, to be read from " + config->inventory.cloud.name + " by " + reading.identities;
  }
  if (config->audit.enabled) {
    if (const std::string problem = WrittenFileProblem(config->audit.database, "audit.database"); !problem.empty()) {
      report(problem);
    }
  }
  if (config->audit.replicas && !config->audit.replicas->ca.empty()) {
    if (const auto trust = http::TlsTrust::Create({.ca_file = config->audit.replicas->ca, .system = http::SystemTrust::kNotUsed}); !trust) {
      report("audit.replicas.ca: " + trust.error().ToString());
    }
  }
  if (config->audit.postgresql) {
    for (const std::string& problem : PostgresqlProblems(config->audit.postgresql->server)) {
      report(problem);
    }
  }
  if (!config->inventory.saved.empty()) {
    if (const std::string problem = WrittenFileProblem(config->inventory.saved, "inventory.saved"); !problem.empty()) {
      report(problem);
    }
  }
  if (exit != kExitOk) {
    return exit;
  }

  const std::shared_ptr<const certs::Identity> identity = files.identities().Current();
  if (identity) {
    if (const std::string problem = ValidityProblem(*identity, config->tls.certificate, clock.Now()); !problem.empty()) {
      streams.err << "warning: " << problem << '\n';  // serve would start with it, and reload it when it is replaced
    }
  }
  for (const policy::InitiativeUse& use : (*state)->policy->initiatives) {
    streams.out << policy::Describe(use) << '\n';
  }
  streams.out << "ok: policy " << (*state)->policy->digest << " with " << (*state)->policy->requirements.size() << " requirements, "
              << (*state)->facts.size() << " registries" << from << ", certificate "
              << (identity ? "valid until " + base::FormatTimeSeconds(identity->not_after)
                           : "managed in the Secret " + config->tls.managed->secret)
              << '\n';
  return kExitOk;
}

}  // namespace cli
