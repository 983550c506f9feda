// What a request to Azure asks for, told by its address alone: how the fake Azure finds its way, and how tests say which
// requests they mean.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "http/client.h"

namespace support {

enum class AzureService { kLogin, kInstanceMetadata, kIdentityEndpoint, kResourceManager, kResourceGraph, kPolicyInsights };

enum class AzureOperation {
  kToken,              // login, metadata and identity endpoint
  kListRegistries,     // of a subscription, or of a resource group
  kGetRegistry,        //
  kListConnections,    // private endpoint connections of a registry
  kListChildren,       // of a registry, of one other kind
  kQueryGraph,         //
  kQueryPolicyStates,  //
  kListPolicyAssignments,
  kListPolicyExemptions,
  kGetPolicyDefinition,  // or an initiative
  kListDescendants,      // of a management group
  kUnknown,
};

struct AzureCall {
  AzureService service = AzureService::kResourceManager;  // whatever no other service's address is
  AzureOperation operation = AzureOperation::kUnknown;
  std::string method;
  std::string origin;                                  // "https://management.azure.com"
  std::string target;                                  // path and query as they came
  std::string path;                                    // lower-case, decoded
  std::map<std::string, std::string> query;            // names lower-case, values decoded
  std::map<std::string, std::string> form;             // of a request for a token with a body, the same way
  std::string tenant;                                  // of the login service
  std::string subscription, resource_group, registry;  // lower-case; "" where the address names none
  std::string children;                                // kListChildren: their kind, lower-case ("tokens")

  // "" when the query has none of that name, which is given in lower case.
  std::string Query(const std::string& name) const;
};

AzureCall ReadAzureCall(const http::Request& request);

// Which calls a test means.
using AzureCalls = std::function<bool(const AzureCall& call)>;
AzureCalls Every();
AzureCalls EveryCallOf(AzureService service);
AzureCalls EveryCallOf(AzureOperation operation);
AzureCalls EveryCallAbout(const std::string& subscription);
AzureCalls EveryListOf(const std::string& children);  // "tokens"

// "login", "resource graph", …: for logs and messages.
const char* NameOf(AzureService service);

}  // namespace support
