{{/* What values.schema.json cannot say: values that do not go together. All of it in one refusal. */}}
{{- define "acr-admission.validate" -}}
{{- $problems := list }}
{{- if and (eq .Values.image.tag "latest") (not .Values.image.digest) }}
{{- $problems = append $problems "image.tag: latest names another image every day; set a version, or image.digest" }}
{{- end }}
{{- if and (not .Values.serviceAccount.create) (not .Values.serviceAccount.name) }}
{{- $problems = append $problems "serviceAccount.name: needed with serviceAccount.create=false, or the pods would run as the namespace's default account" }}
{{- end }}
{{- if eq .Values.certificates.mode "secret" }}
{{- if not .Values.certificates.secret.name }}
{{- $problems = append $problems "certificates.secret.name: needed with certificates.mode=secret: the Secret with tls.crt and tls.key" }}
{{- end }}
{{- if not .Values.certificates.secret.caBundle }}
{{- $problems = append $problems "certificates.secret.caBundle: needed with certificates.mode=secret: the PEM of the authority, or the API server trusts nobody" }}
{{- end }}
{{- end }}
{{- with .Values.inventory }}
{{- if and (eq .source "file") (not .file.registries) (not .file.existingConfigMap) }}
{{- $problems = append $problems "inventory.file.registries: needed with inventory.source=file (or inventory.file.existingConfigMap); az acr list -o json > registries.json, then --set-file inventory.file.registries=registries.json" }}
{{- end }}
{{- if and .file.registries .file.existingConfigMap }}
{{- $problems = append $problems "inventory.file: registries and existingConfigMap exclude each other" }}
{{- end }}
{{- if and (eq .source "azure") (or .file.registries .file.existingConfigMap) }}
{{- $problems = append $problems "inventory.file: has no meaning with inventory.source=azure; set inventory.source=file, or leave it out" }}
{{- end }}
{{- end }}
{{- if and (eq .Release.Namespace "kube-system") (include "acr-admission.usesWorkloadIdentity" .) }}
{{- $problems = append $problems "the namespace kube-system: AKS gives pods there no workload identity; install into a namespace of its own, as -n acr-admission --create-namespace" }}
{{- end }}
{{- with .Values.networkPolicy }}
{{- if and .enabled (not .apiServer.konnectivity) (not .apiServer.cidrs) (not .extraIngress) (not $.Values.hostNetwork) }}
{{- $problems = append $problems "networkPolicy.apiServer.cidrs: needed with networkPolicy.apiServer.konnectivity=false, or the API server cannot reach the webhook; the addresses that it calls from" }}
{{- end }}
{{- end }}
{{- with .Values.autoscaling }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
{{- $problems = append $problems "autoscaling.minReplicas: is more than autoscaling.maxReplicas" }}
{{- end }}
{{- end }}
{{- if eq (int .Values.server.port) (int .Values.server.healthPort) }}
{{- $problems = append $problems "server.healthPort: is server.port too; they are two listeners" }}
{{- end }}
{{- if .Values.audit.enabled }}
{{- if lt (include "acr-admission.bytes" .Values.storage.sizeLimit | float64) (include "acr-admission.bytes" .Values.audit.retention.size | float64 | mulf 2) }}
{{- $problems = append $problems "storage.sizeLimit: is less than twice audit.retention.size; the log would outgrow it, and the kubelet evicts a pod whose volume is full, all replicas at about the same time" }}
{{- end }}
{{- end }}
{{- with .Values.audit.postgresql }}
{{- if and .host (not (and .database .user .existingSecret)) }}
{{- $problems = append $problems "audit.postgresql: database, user and existingSecret are needed with audit.postgresql.host" }}
{{- end }}
{{- if and .host (not $.Values.audit.enabled) }}
{{- $problems = append $problems "audit.postgresql.host: nothing is sent with audit.enabled=false; leave it out" }}
{{- end }}
{{- if and .host (include "acr-admission.auditApi" $) (not $.Values.cluster) }}
{{- $problems = append $problems "cluster: is empty; with audit.postgresql.host and audit.api.enabled set it to a name that no other cluster has, by which the API tells this cluster's records from others'" }}
{{- end }}
{{- end }}
{{- if not (include "acr-admission.usesKubernetes" .) }}
{{- range $value, $on := dict "audit.api.enabled" (include "acr-admission.auditApi" .) "audit.events" (include "acr-admission.auditEvents" .) "scan.enabled" .Values.scan.enabled }}
{{- if $on }}
{{- $problems = append $problems (printf "%s: needs the Kubernetes API, which with these values nobody talks to; set %s=false, or kubernetes.keepLastGoodPolicy=true" $value $value) }}
{{- end }}
{{- end }}
{{- end }}
{{- if and .Values.audit.api.aggregateToView (not (include "acr-admission.auditApi" .)) }}
{{- $problems = append $problems "audit.api.aggregateToView: has no meaning without audit.api.enabled and audit.enabled" }}
{{- end }}
{{- $full := include "acr-admission.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $full) }}
{{- $problems = append $problems (printf "the name %s: no Service can be called so (it begins with a letter and has no dots); set fullnameOverride" $full) }}
{{- end }}
{{- if $problems }}
{{- printf "\n\nThese values do not go together:\n- %s\n" (join "\n- " $problems) | fail }}
{{- end }}
{{- end }}

{{/* What a quantity (1.5Gi, 2G) or a size (512MiB) is in bytes. */}}
{{- define "acr-admission.bytes" -}}
{{- $unit := regexFind "[A-Za-z]*$" . | trimSuffix "B" }}
{{- $units := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- mulf (regexFind "^[0-9.]+" . | float64) (get $units $unit | float64) }}
{{- end }}
