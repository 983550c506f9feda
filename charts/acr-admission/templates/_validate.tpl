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
{{- if $problems }}
{{- printf "\n\nThese values do not go together:\n- %s\n" (join "\n- " $problems) | fail }}
{{- end }}
{{- end }}
