// Registries as Resource Manager describes them, good ones and such that something is wrong with. Shaped after
// tests/data/registries/composed_fully-compliant_….json, which was put together of recorded bodies.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace support {

std::string RegistryId(const std::string& subscription, const std::string& resource_group, const std::string& name);

// Customer-managed key, an approved private endpoint, no public network, dedicated data endpoints: all that the built-in
// definitions of the default policy ask for. `properties` is merged over its properties (RFC 7396: null removes).
nlohmann::json RegistryBody(const std::string& subscription, const std::string& resource_group, const std::string& name,
                            const nlohmann::json& properties = nlohmann::json::object());

// What can be wrong, each a merge patch for the properties of the registry of that name.
nlohmann::json WithoutCustomerManagedKey();
nlohmann::json WithOpenNetwork();  // and so without any private endpoint that matters
nlohmann::json WithoutPrivateEndpoint();
nlohmann::json WithoutDataEndpoint();
nlohmann::json WithAdminUser();
// `connections` of a body with the state of the first one set: "Pending", "Rejected", "Disconnected", "Approved".
nlohmann::json WithPrivateEndpoint(const nlohmann::json& body, const std::string& status);

// What an api-version shows of a body. 2019-05-01 knows nothing of keys, private endpoints and public access; stable versions
// hide what is in preview; previews show all.
enum class RegistryView { kOf2019, kStable, kPreview };
nlohmann::json ViewOf(const nlohmann::json& body, RegistryView view);

}  // namespace support
