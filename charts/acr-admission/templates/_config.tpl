{{/* config.yaml and policy.yaml. Every key: docs/configuration.md and docs/policy.md. */}}

{{- define "acr-admission.config" -}}
{{- $full := include "acr-admission.fullname" . }}
{{- $listen := eq .Values.server.listen "::" | ternary "[::]" .Values.server.listen -}}
server:
  address: "{{ $listen }}:{{ .Values.server.port }}"
  threads: {{ .Values.server.threads }}
  drainDelay: {{ .Values.server.drainDelay }}
  maxConnections: {{ int .Values.server.maxConnections }}
  {{- if .Values.server.clientCA }}
  clientCA: client-ca.crt
  {{- end }}
health:
  address: "{{ $listen }}:{{ .Values.server.healthPort }}"
tls:
  {{- if eq .Values.certificates.mode "managed" }}
  {{- with .Values.certificates.managed }}
  mode: managed
  secret: {{ include "acr-admission.certificateSecret" $ }}
  service: {{ $full }}
  webhookConfiguration: {{ $full }}
  validity: {{ .validity }}
  caValidity: {{ .caValidity }}
  overlap: {before: {{ .overlap.before }}, after: {{ .overlap.after }}}
  {{- end }}
  {{- else }}
  certificate: tls/tls.crt
  key: tls/tls.key
  {{- end }}
{{- if include "acr-admission.usesKubernetes" . }}
{{- if or .Values.kubernetes.saveInventory .Values.kubernetes.keepLastGoodPolicy }}
kubernetes:
  {{- if .Values.kubernetes.saveInventory }}
  inventorySecret: {{ $full }}-inventory
  {{- end }}
  {{- if .Values.kubernetes.keepLastGoodPolicy }}
  policyConfigMap: {{ $full }}-policy-last-good
  {{- end }}
{{- else }}
kubernetes: {}
{{- end }}
{{- end }}
inventory:
  source: {{ .Values.inventory.source }}
  {{- with .Values.inventory.refresh }}
  refresh: {{ . }}
  {{- end }}
  primeTimeout: {{ .Values.inventory.primeTimeout }}
  saved: /var/lib/acr-admission/inventory.saved
  {{- if eq .Values.inventory.source "azure" }}
  {{- with .Values.inventory.azure }}
  cloud: {{ toJson .cloud }}
  {{- with .apiVersion }}
  apiVersion: {{ . | quote }}
  {{- end }}
  discovery: {{ .discovery }}
  complianceStates: {{ .complianceStates }}
  {{- if .ca }}
  ca: azure-ca.crt
  {{- end }}
  {{- with .identities }}
  azure:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- else }}
  file: inventory/registries.json
  {{- end }}
policy: policy/policy.yaml
definitions: definitions
audit:
  enabled: {{ .Values.audit.enabled }}
  database: /var/lib/acr-admission/audit.db
  stdout: {{ .Values.audit.stdout }}
  verdictChanges: {{ .Values.audit.verdictChanges }}
  record: {{ .Values.audit.record }}
  durability: {{ .Values.audit.durability }}
  onFailure: {{ .Values.audit.onFailure }}
  {{- if include "acr-admission.auditApi" . }}
  api: true
  replicas:
    service: {{ $full }}-replicas.{{ .Release.Namespace }}.svc:{{ .Values.server.port }}
    serverName: {{ $full }}.{{ .Release.Namespace }}.svc
    {{- /* cert-manager keeps it beside the certificate; the Secret of somebody else need not have it. */}}
    {{- if eq .Values.certificates.mode "certManager" }}
    ca: tls/ca.crt
    {{- else if eq .Values.certificates.mode "secret" }}
    ca: replicas-ca.crt
    {{- end }}
  {{- end }}
  {{- if include "acr-admission.auditEvents" . }}
  events: true
  {{- end }}
  retention: {age: {{ .Values.audit.retention.age }}, size: {{ .Values.audit.retention.size }}}
  {{- if include "acr-admission.usesPostgresql" . }}
  {{- with .Values.audit.postgresql }}
  postgresql:
    host: {{ .host | quote }}
    port: {{ int .port }}
    database: {{ .database | quote }}
    user: {{ .user | quote }}
    passwordFile: postgresql/password
    {{- with .caKey }}
    tls: {ca: {{ printf "postgresql/%s" . | quote }}}
    {{- end }}
    {{- with .retention }}
    retention: {{ . }}
    {{- end }}
  {{- end }}
  {{- end }}
{{- if .Values.scan.enabled }}
scan:
  lease: {{ $full }}-scan
  reports: {{ .Values.scan.reports }}
  registryCompliances: {{ .Values.scan.registryCompliances }}
  excludeNamespaces:
    {{- include "acr-admission.excludedNamespaces" . | nindent 4 }}
{{- end }}
log:
  level: {{ .Values.log.level }}
{{- with .Values.cluster }}
cluster: {{ . | quote }}
{{- end }}
{{- end }}

{{/* mode decides the cap: audit must never refuse. include "acr-admission.policy" (list $ mode) */}}
{{- define "acr-admission.policy" -}}
{{- $policy := deepCopy (index . 0).Values.policy }}
{{- if eq (index . 1) "audit" }}
{{- $_ := set $policy "maxEffect" "Audit" }}
{{- end }}
{{- /* Off, as a person writes it, is false to helm. */}}
{{- if eq (toString $policy.workloads) "false" }}
{{- $_ := set $policy "workloads" "Off" }}
{{- end -}}
apiVersion: acr-admission.io/v1
kind: RegistryPolicy
{{ toYaml $policy }}
{{- end }}

{{/* What the pods do not read anew: a change rolls them. */}}
{{- define "acr-admission.configData" -}}
config.yaml: |
  {{- include "acr-admission.config" . | nindent 2 }}
{{- with .Values.server.clientCA }}
client-ca.crt: |
  {{- trim . | nindent 2 }}
{{- end }}
{{- if eq .Values.inventory.source "azure" }}
{{- with .Values.inventory.azure.ca }}
azure-ca.crt: |
  {{- trim . | nindent 2 }}
{{- end }}
{{- end }}
{{- if and (include "acr-admission.auditApi" .) (eq .Values.certificates.mode "secret") }}
replicas-ca.crt: |
  {{- trim .Values.certificates.secret.caBundle | nindent 2 }}
{{- end }}
{{- end }}

{{/* The mounts of everything that config.yaml names below /etc/acr-admission, for the webhook and for helm's test. */}}
{{- define "acr-admission.configMounts" -}}
- {name: config, mountPath: /etc/acr-admission/config.yaml, subPath: config.yaml, readOnly: true}
{{- if .Values.server.clientCA }}
- {name: config, mountPath: /etc/acr-admission/client-ca.crt, subPath: client-ca.crt, readOnly: true}
{{- end }}
{{- if and (eq .Values.inventory.source "azure") .Values.inventory.azure.ca }}
- {name: config, mountPath: /etc/acr-admission/azure-ca.crt, subPath: azure-ca.crt, readOnly: true}
{{- end }}
{{- if and (include "acr-admission.auditApi" .) (eq .Values.certificates.mode "secret") }}
- {name: config, mountPath: /etc/acr-admission/replicas-ca.crt, subPath: replicas-ca.crt, readOnly: true}
{{- end }}
- {name: policy, mountPath: /etc/acr-admission/policy, readOnly: true}
- {name: definitions, mountPath: /etc/acr-admission/definitions, readOnly: true}
{{- if eq .Values.inventory.source "file" }}
- {name: inventory, mountPath: /etc/acr-admission/inventory, readOnly: true}
{{- end }}
{{- if include "acr-admission.usesPostgresql" . }}
- {name: postgresql, mountPath: /etc/acr-admission/postgresql, readOnly: true}
{{- end }}
{{- if ne .Values.certificates.mode "managed" }}
- {name: tls, mountPath: /etc/acr-admission/tls, readOnly: true}
{{- end }}
- {name: storage, mountPath: /var/lib/acr-admission}
{{- end }}

{{- define "acr-admission.configVolumes" -}}
{{- $full := include "acr-admission.fullname" . -}}
- name: config
  configMap: {name: {{ $full }}}
- name: policy
  configMap: {name: {{ $full }}-policy}
- name: definitions
  configMap: {name: {{ $full }}-definitions}
{{- if eq .Values.inventory.source "file" }}
- name: inventory
  configMap:
    name: {{ .Values.inventory.file.existingConfigMap | default (printf "%s-registries" $full) | quote }}
    items: [{key: {{ .Values.inventory.file.key | quote }}, path: registries.json}]
{{- end }}
{{- if include "acr-admission.usesPostgresql" . }}
- name: postgresql
  secret: {secretName: {{ .Values.audit.postgresql.existingSecret | quote }}, defaultMode: 0440}
{{- end }}
{{- if ne .Values.certificates.mode "managed" }}
- name: tls
  secret: {secretName: {{ include "acr-admission.certificateSecret" . | quote }}, defaultMode: 0440}
{{- end }}
- name: storage
  emptyDir: {sizeLimit: {{ .Values.storage.sizeLimit }}}
{{- end }}
