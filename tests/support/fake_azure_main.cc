// fake-azure: the fake Azure as a program, to try acr-admission against without an account.
#include <sys/stat.h>

#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "policy/registry.h"
#include "tests/support/azure_world.h"
#include "tests/support/fake_azure_server.h"

namespace support {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxRegistriesFile = std::size_t{256} << 20;  // some 100,000 registries
constexpr timespec kPollInterval = {1, 0};                          // of the registries file

struct Options {
  int registries = 100;
  int subscriptions = 3;
  std::uint16_t port = 0;
  std::string directory = ".";
  std::string registries_file;
  AzureApplication application = TestApplication();
};

std::string Numbered(const char* format, int number) {
  std::array<char, 64> text;
  const int length = std::snprintf(text.data(), text.size(), format, number);
  return std::string(text.data(), static_cast<std::size_t>(length));
}

// What is wrong with every tenth registry, in turn.
json Defect(int turn, const json& body) {
  switch (turn % 6) {
    case 0:
      return WithoutCustomerManagedKey();
    case 1:
      return WithOpenNetwork();
    case 2:
      return WithPrivateEndpoint(body, "Pending");
    case 3:
      return WithoutDataEndpoint();
    case 4:
      return WithoutPrivateEndpoint();
    default:
      return WithAdminUser();
  }
}

void Generate(const Options& options, AzureWorld& world) {
  for (int i = 0; i < options.registries; ++i) {
    json body = RegistryBody(Numbered("%08x-0000-4000-8000-000000000000", i % options.subscriptions + 1), "registries",
                             Numbered("registry%05d", i));
    if (i % 10 == 9) {
      const json defect = Defect(i / 10, body);
      body["properties"].merge_patch(defect);
    }
    world.PutRegistry(std::move(body));
  }
}

void PutChildren(const policy::Registry& registry, AzureWorld& world) {
  world.DeleteChildrenOf(registry.resource_id);
  if (registry.children == nullptr) {
    return;
  }
  for (const auto& [kind, list] : *registry.children) {
    for (json& child : base::ParseJson(list.resources, kind).value_or(json::array())) {
      world.PutChild(std::move(child));
    }
  }
}

// The world's registries become those of the file. A file that is wrong leaves it as it is.
bool Load(std::string_view content, const std::string& file, AzureWorld& world, base::Time now) {
  const auto registries = policy::ReadRegistries(content, file, now);
  if (!registries) {
    std::cerr << "fake-azure: " << registries.error().ToString() << '\n';
    return false;
  }
  std::set<std::string> ids;
  for (const policy::Registry& registry : *registries) {
    auto body = base::ParseJson(registry.body.Text(), file);
    if (!body || PartsOf(registry.resource_id).resource_group.empty()) {
      std::cerr << "fake-azure: " << file << ": " << registry.resource_id << " is no id of a registry\n";
      return false;
    }
    world.PutRegistry(*std::move(body));
    PutChildren(registry, world);
    ids.insert(registry.resource_id);
  }
  for (const std::string& id : world.RegistryIds()) {
    if (!ids.contains(id)) {
      world.DeleteRegistry(id);
    }
  }
  std::cerr << "fake-azure: " << ids.size() << " registries of " << file << '\n';
  return true;
}

bool WriteFiles(const Options& options, const FakeAzureServer& server) {
  ::umask(077);  // one of them is a secret, if a worthless one
  std::error_code ignored;
  std::filesystem::create_directories(options.directory, ignored);
  for (const auto& [name, content] : {std::pair<const char*, std::string>{"ca.crt", server.ca_pem()},
                                      std::pair<const char*, std::string>{"client-secret", options.application.client_secret}}) {
    if (const auto written = base::WriteFileAtomically(options.directory + "/" + name, content); !written) {
      std::cerr << "fake-azure: " << written.error().ToString() << '\n';
      return false;
    }
  }
  return true;
}

void PrintInventory(const Options& options, const FakeAzureServer& server) {
  const std::filesystem::path directory = std::filesystem::absolute(options.directory).lexically_normal();
  const std::string origin = server.Origin();
  std::cout << "inventory:\n"
            << "  source: azure\n"
            << "  cloud: {name: FakeCloud, resourceManager: \"" << origin << "\", authority: \"" << origin
            << "\", registrySuffixes: [azurecr.io]}\n"
            << "  ca: " << (directory / "ca.crt").string() << "\n"
            << "  azure:\n"
            << "    - credential: {kind: clientSecret, tenantId: " << options.application.tenant_id
            << ", clientId: " << options.application.client_id << ", clientSecretFile: " << (directory / "client-secret").string() << "}\n"
            << "      scope: {}\n"
            << std::flush;
}

// Until SIGTERM or SIGINT. The signals are blocked in every thread.
void Run(const Options& options, const sigset_t& signals, base::WatchedFile& file, AzureWorld& world, const base::Clock& clock) {
  for (;;) {
    const int signal = sigtimedwait(&signals, nullptr, &kPollInterval);
    if (signal == SIGTERM || signal == SIGINT) {
      return;
    }
    if (options.registries_file.empty()) {
      continue;
    }
    if (signal == SIGHUP) {
      file = base::WatchedFile(options.registries_file, kMaxRegistriesFile);  // as if it had changed
    }
    if (const auto change = file.Poll()) {
      if (change->content) {
        Load(*change->content, options.registries_file, world, clock.Now());
      } else {
        std::cerr << "fake-azure: " << change->content.error().ToString() << '\n';
      }
    }
  }
}

int Serve(const Options& options) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there are threads

  const base::SystemClock clock;
  AzureWorld world(clock);
  world.PutApplication(options.application);
  base::WatchedFile file(options.registries_file, kMaxRegistriesFile);
  if (options.registries_file.empty()) {
    Generate(options, world);
  } else {
    const auto first = file.Poll();
    if (!first->content) {
      std::cerr << "fake-azure: " << first->content.error().ToString() << '\n';
      return EXIT_FAILURE;
    }
    if (!Load(*first->content, options.registries_file, world, clock.Now())) {
      return EXIT_FAILURE;
    }
  }
  const FakeAzureServer server(world, options.port);
  if (!WriteFiles(options, server)) {
    return EXIT_FAILURE;
  }
  PrintInventory(options, server);
  Run(options, signals, file, world, clock);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace support

int main(int argc, char** argv) {
  support::Options options;
  CLI::App app("Serves a fake Azure on loopback: login service, Resource Manager, Resource Graph, Policy Insights.", "fake-azure");
  app.add_option("--registries", options.registries, "how many to make up; every tenth has something wrong")->check(CLI::Range(0, 99999));
  app.add_option("--subscriptions", options.subscriptions, "over how many subscriptions they are spread")->check(CLI::Range(1, 10000));
  app.add_option("--registries-file", options.registries_file,
                 "an inventory file whose registries are served instead, with their children; read again when it changes, or at SIGHUP");
  app.add_option("--port", options.port, "0: one that is free");
  app.add_option("--directory", options.directory, "where ca.crt and client-secret are written");
  app.add_option("--tenant", options.application.tenant_id, "the tenant that knows the application");
  app.add_option("--client-id", options.application.client_id, "the application that may log in");
  CLI11_PARSE(app, argc, argv);
  return support::Serve(options);
}
