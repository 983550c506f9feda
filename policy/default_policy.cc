#include "policy/policy.h"

namespace policy {

std::string_view DefaultPolicyText() {
  return R"yaml(# What acr-admission enforces when it is given no policy file, and what a policy file may be begun from.
# Every key: docs/policy.md.
apiVersion: acr-admission.io/v1
kind: RegistryPolicy

# What every Azure Container Registry must fulfil whose images this cluster runs.
requirements:
  - definition: customer-managed-key
    effect: Deny                            # Deny | Warn | Audit | Disabled
  - definition: private-link
    effect: Deny
  - definition: restricted-network
    effect: Deny
  - definition: dedicated-data-endpoints
    effect: Audit
    parameters:
      acceptPrivateEndpoint: true           # a private endpoint serves the registry's data as well

# Other places that images may come from; the first match wins.
sources:
  - images: ["mcr.microsoft.com/**", "registry.k8s.io/**"]
    action: Allow                           # Allow | Warn | Audit | Deny | Verify

otherRegistries: Deny                       # neither a container registry of Azure nor matched above
unknownRegistry: Deny                       # a container registry of Azure that the inventory does not hold
unknownFinding: Deny                        # a requirement that could not be judged
staleVerdict:
  after: 72h                                # registries were not looked at for this long
  effect: Deny
driftGrace: 0s                              # for so long a registry that was compliant is warned about, not denied
workloads: Deny                             # Deployments, Jobs, ...: Deny | Warn | Off
maxEffect: Deny                             # caps every effect: Audit is the way in on a running cluster
messages: brief                             # brief | full
aliases: {}
namespaces: []
exemptions: []
)yaml";
}

}  // namespace policy
