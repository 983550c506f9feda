{{/* The scan of what runs, and what `kubectl get acr` shows. */}}

{{/* "true" where there are objects of registrycompliances.acr-admission.io. */}}
{{- define "acr-admission.registryCompliances" -}}
{{- if and .Values.scan.enabled .Values.scan.registryCompliances }}true{{ end }}
{{- end }}

{{/* Built-in definitions, Azure's GUID and a header: four columns and a registry's name share 100 characters. */}}
{{- define "acr-admission.builtInRequirements" -}}
customer-managed-key: {guid: 5b9159ae-1701-4a6f-9a7a-aa9c8ddd0580, header: CMK}
private-link: {guid: e8eef0a8-67cf-4eb4-9386-14b0e78733d4, header: LINK}
restricted-network: {guid: d0793b48-0edc-4296-a390-4c75d1bdfd71, header: NETWORK}
restricted-network-v1: {header: NETWORK-V1}
dedicated-data-endpoints: {header: ENDPOINTS}
public-network-access-disabled: {guid: 0fdf0491-d080-4575-b627-ad0e843cba0f, header: NOT-PUBLIC}
premium-sku: {guid: bd560fc0-3c69-498a-ae9f-aa8eb7de0e13, header: PREMIUM}
export-disabled: {guid: 524b0254-c285-4903-bee6-bb8126cde579, header: NO-EXPORT}
admin-account-disabled: {guid: dc921057-6b28-4fbe-9b83-f7bec05db6c2, header: NO-ADMIN}
anonymous-pull-disabled: {guid: 9f2dea28-e834-476c-99c5-3507b4728395, header: NO-ANON}
arm-audience-token-disabled: {guid: 42781ec6-6127-4c30-bdfa-fb423a0047d3, header: NO-ARM}
zone-redundant: {guid: 9d2b0a20-57d6-474c-9d12-44a4a20999c6, header: ZONES}
virtual-network-service-endpoint: {guid: c4857be7-912a-4c75-87e6-e30292bcdf78, header: VNET}
repository-scoped-token-disabled: {guid: ff05e24e-195c-447e-b322-5e90c9f9f366, header: NO-TOKENS}
cache-rules-prevented: {guid: 84497762-32b6-4ab3-80b6-732ea48b85a2, header: NO-CACHE}
external-private-endpoints-restricted: {guid: 696cb1d3-2dcf-4b44-aa7a-caccd18b1b96, header: NO-FOREIGN}
configure-private-endpoints: {guid: d85c6833-7d33-4cf5-a915-aaa2de84405f, header: PRIVATE}
configure-public-network-access-disabled: {guid: a3701552-92ea-433e-9d17-33b7f1208fc9, header: NOT-PUBLIC}
configure-admin-account-disabled: {guid: 79fdfe03-ffcb-4e55-b4d0-b925b8241759, header: NO-ADMIN}
configure-anonymous-pull-disabled: {guid: cced2946-b08a-44fe-9fd9-e4ed8a779897, header: NO-ANON}
configure-arm-audience-token-disabled: {guid: 785596ed-054f-41bc-aaec-7f3d0ba05725, header: NO-ARM}
configure-repository-scoped-token-disabled: {guid: a9b426fe-8856-4945-8600-18c5dd1cca2a, header: NO-TOKENS}
{{- end }}

{{/* A column for each requirement whose name is told by the values, in their order: [{type, header}]. `type` is the condition's, as
scan/registry_compliance.cc writes it. An initiative stands for requirements that the chart does not know: they are conditions without a
column. */}}
{{- define "acr-admission.requirementColumns" -}}
{{- $known := include "acr-admission.builtInRequirements" . | fromYaml }}
{{- $guids := dict }}
{{- range $name, $entry := $known }}
{{- with $entry.guid }}
{{- $_ := set $guids . $name }}
{{- end }}
{{- end }}
{{- $columns := list }}
{{- $taken := list "Compliant" }}
{{- range .Values.policy.requirements }}
{{- if and .definition (ne (.effect | default "Deny") "Disabled") }}
{{- $last := splitList "/" .definition | last }}
{{- /* The policy ignores case, and calls a requirement what its definition is called. */}}
{{- $definition := get $guids (lower $last) | default (hasKey $known (lower $last) | ternary (lower $last) $last) }}
{{- $name := .name | default $definition }}
{{- $type := regexReplaceAll "[^-A-Za-z0-9_.]" $name "_" }}
{{- if not (has $type $taken) }}
{{- $taken = append $taken $type }}
{{- $header := hasKey $known $name | ternary (get $known $name | default dict) dict | dig "header" (upper $type | trunc 10 | trimSuffix "-") }}
{{- $columns = append $columns (dict "type" $type "header" $header) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $columns }}
{{- end }}
