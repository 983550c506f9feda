#include "policy/child_kinds.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace policy {
namespace {

// Members of each kind's `properties`. Source: *.models.tsp of 2025-11-01 in Azure/azure-rest-api-specs. What a preview adds is named
// too: a body that lacks it says nothing of it, as a body of a registry does.
constexpr auto kCacheRules = std::to_array<std::string_view>({
    "creationDate",
    "credentialSetResourceId",
    "provisioningState",
    "sourceRepository",
    "targetRepository",
});

constexpr auto kConnectedRegistries = std::to_array<std::string_view>({
    "activation",
    "activation.status",
    "clientTokenIds",
    "clientTokenIds[*]",
    "connectionState",
    "garbageCollection",
    "garbageCollection.enabled",
    "garbageCollection.schedule",
    "lastActivityTime",
    "logging",
    "logging.auditLogStatus",
    "logging.logLevel",
    "loginServer",
    "loginServer.host",
    "loginServer.tls",
    "loginServer.tls.certificate",
    "loginServer.tls.certificate.location",
    "loginServer.tls.certificate.type",
    "loginServer.tls.status",
    "mode",
    "notificationsList",
    "notificationsList[*]",
    "parent",
    "parent.id",
    "parent.syncProperties",
    "parent.syncProperties.authType",
    "parent.syncProperties.gatewayEndpoint",
    "parent.syncProperties.lastSyncTime",
    "parent.syncProperties.messageTtl",
    "parent.syncProperties.schedule",
    "parent.syncProperties.syncWindow",
    "parent.syncProperties.tokenId",
    "provisioningState",
    "registrySyncResult",
    "registrySyncResult.lastSuccessfulSyncEndTime",
    "registrySyncResult.lastSyncEndTime",
    "registrySyncResult.lastSyncStartTime",
    "registrySyncResult.syncState",
    "registrySyncResult.syncTrigger",
    "statusDetails",
    "statusDetails[*]",
    "statusDetails[*].code",
    "statusDetails[*].correlationId",
    "statusDetails[*].description",
    "statusDetails[*].timestamp",
    "statusDetails[*].type",
    "version",
});

constexpr auto kCredentialSets = std::to_array<std::string_view>({
    "authCredentials",
    "authCredentials[*]",
    "authCredentials[*].credentialHealth",
    "authCredentials[*].credentialHealth.errorCode",
    "authCredentials[*].credentialHealth.errorMessage",
    "authCredentials[*].credentialHealth.status",
    "authCredentials[*].name",
    "authCredentials[*].passwordSecretIdentifier",
    "authCredentials[*].usernameSecretIdentifier",
    "creationDate",
    "loginServer",
    "provisioningState",
});

constexpr auto kPrivateEndpointConnections = std::to_array<std::string_view>({
    "privateEndpoint",
    "privateEndpoint.id",
    "privateLinkServiceConnectionState",
    "privateLinkServiceConnectionState.actionsRequired",
    "privateLinkServiceConnectionState.description",
    "privateLinkServiceConnectionState.status",
    "provisioningState",
});

constexpr auto kReplications = std::to_array<std::string_view>({
    "provisioningState",
    "regionEndpointEnabled",
    "status",
    "status.displayStatus",
    "status.message",
    "status.timestamp",
    "zoneRedundancy",
});

constexpr auto kScopeMaps = std::to_array<std::string_view>({
    "actions",
    "actions[*]",
    "creationDate",
    "description",
    "provisioningState",
    "type",
});

constexpr auto kTokens = std::to_array<std::string_view>({
    "creationDate",
    "credentials",
    "credentials.certificates",
    "credentials.certificates[*]",
    "credentials.certificates[*].encodedPemCertificate",
    "credentials.certificates[*].expiry",
    "credentials.certificates[*].name",
    "credentials.certificates[*].thumbprint",
    "credentials.passwords",
    "credentials.passwords[*]",
    "credentials.passwords[*].creationTime",
    "credentials.passwords[*].expiry",
    "credentials.passwords[*].name",
    "provisioningState",
    "scopeMapId",
    "status",
});

constexpr auto kWebhooks = std::to_array<std::string_view>({
    "actions",
    "actions[*]",
    "provisioningState",
    "scope",
    "status",
});

constexpr auto kKinds = std::to_array<ChildKind>({
    {.name = "cacheRules", .type = "Microsoft.ContainerRegistry/registries/cacheRules", .aliases = kCacheRules},
    {.name = "connectedRegistries", .type = "Microsoft.ContainerRegistry/registries/connectedRegistries", .aliases = kConnectedRegistries},
    {.name = "credentialSets", .type = "Microsoft.ContainerRegistry/registries/credentialSets", .aliases = kCredentialSets},
    {.name = "privateEndpointConnections",
     .type = "Microsoft.ContainerRegistry/registries/privateEndpointConnections",
     .is_inline = true,
     .aliases = kPrivateEndpointConnections},
    {.name = "replications", .type = "Microsoft.ContainerRegistry/registries/replications", .is_indexed = true, .aliases = kReplications},
    {.name = "scopeMaps", .type = "Microsoft.ContainerRegistry/registries/scopeMaps", .aliases = kScopeMaps},
    {.name = "tokens", .type = "Microsoft.ContainerRegistry/registries/tokens", .aliases = kTokens},
    {.name = "webhooks", .type = "Microsoft.ContainerRegistry/registries/webhooks", .is_indexed = true, .aliases = kWebhooks},
});

const ChildKind* FindBy(std::string_view ChildKind::* member, std::string_view value) {
  const auto found = std::ranges::find_if(kKinds, [&](const ChildKind& kind) { return base::EqualsIgnoreAsciiCase(kind.*member, value); });
  return found == kKinds.end() ? nullptr : &*found;
}

}  // namespace

std::span<const ChildKind> ChildKinds() { return kKinds; }

std::string NamesOfChildKinds() {
  std::string names;
  for (const ChildKind& kind : kKinds) {
    names += (names.empty() ? "" : ", ") + std::string(kind.name);
  }
  return names;
}

const ChildKind* FindChildKind(std::string_view name) { return FindBy(&ChildKind::name, name); }

const ChildKind* FindChildKindByType(std::string_view type) { return FindBy(&ChildKind::type, type); }

}  // namespace policy
