{{/* Names and labels. Every object's name is "acr-admission.fullname", or that with a suffix of at most 20 characters. */}}

{{- define "acr-admission.name" -}}
{{- .Values.nameOverride | default .Chart.Name }}
{{- end }}

{{/* At most 40 characters: with a suffix it is still a label (63), and a pod's name is still a host name. What is cut
off is replaced by a hash of the whole, so that two long releases do not meet. */}}
{{- define "acr-admission.fullname" -}}
{{- $name := include "acr-admission.name" . }}
{{- $full := .Values.fullnameOverride }}
{{- if not $full }}
{{- $full = contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) }}
{{- end }}
{{- if gt (len $full) 40 }}
{{- $full = printf "%s-%s" (trunc 31 $full | trimSuffix "-") (sha256sum $full | trunc 8) }}
{{- end }}
{{- $full }}
{{- end }}

{{- define "acr-admission.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "acr-admission.fullname" .) }}
{{- end }}

{{/* What selects the pods of the Deployment, and nothing else; never changes in the life of a release. */}}
{{- define "acr-admission.selectorLabels" -}}
app.kubernetes.io/name: {{ include "acr-admission.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "acr-admission.ownLabels" -}}
{{ include "acr-admission.selectorLabels" . }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: acr-admission
{{- end }}

{{/* What stands on the left of a merge wins: nobody's label can break a selector. */}}
{{- define "acr-admission.labels" -}}
{{- merge (include "acr-admission.ownLabels" . | fromYaml) .Values.commonLabels | toYaml }}
{{- end }}

{{/* metadata of an object: include "acr-admission.metadata" (dict "root" $ "suffix" "-x" "cluster" true "labels" dict "annotations" dict);
all but root may be left out. `name` stands for a name that the release has no say in. */}}
{{- define "acr-admission.metadata" -}}
name: {{ .name | default (printf "%s%s" (include "acr-admission.fullname" .root) (.suffix | default "")) }}
{{- if not .cluster }}
namespace: {{ .namespace | default .root.Release.Namespace }}
{{- end }}
labels:
  {{- merge (include "acr-admission.labels" .root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "acr-admission.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry }}
{{- $name := list $registry .Values.image.repository | compact | join "/" }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* The Secret with the serving certificate. One name for each mode: a Secret's type cannot be changed. */}}
{{- define "acr-admission.certificateSecret" -}}
{{- if eq .Values.certificates.mode "secret" }}
{{- .Values.certificates.secret.name }}
{{- else if eq .Values.certificates.mode "certManager" }}
{{- include "acr-admission.fullname" . }}-serving
{{- else }}
{{- include "acr-admission.fullname" . }}-tls
{{- end }}
{{- end }}

{{/* "true" where the pods talk to the Kubernetes API. */}}
{{- define "acr-admission.usesKubernetes" -}}
{{- if or (eq .Values.certificates.mode "managed") .Values.kubernetes.saveInventory .Values.kubernetes.keepLastGoodPolicy }}true{{ end }}
{{- end }}

{{/* "true" where the audit log is asked over HTTPS, and replicas ask each other. */}}
{{- define "acr-admission.auditApi" -}}
{{- if and .Values.audit.enabled .Values.audit.api.enabled }}true{{ end }}
{{- end }}

{{/* "true" where denials are told in Events. */}}
{{- define "acr-admission.auditEvents" -}}
{{- if and .Values.audit.enabled .Values.audit.events }}true{{ end }}
{{- end }}

{{/* "true" where records are sent to PostgreSQL. */}}
{{- define "acr-admission.usesPostgresql" -}}
{{- if .Values.audit.postgresql.host }}true{{ end }}
{{- end }}

{{/* "true" where Azure is read by workload identity. */}}
{{- define "acr-admission.usesWorkloadIdentity" -}}
{{- if or .Values.workloadIdentity.enabled .Values.workloadIdentity.clientId }}true{{ end }}
{{- end }}

{{/* Which namespaces are looked at. The names are also those that the guard watches over. */}}
{{- define "acr-admission.excludedNamespaces" -}}
{{- concat (list .Release.Namespace "kube-system" "aks-command") .Values.webhook.excludedNamespaces | uniq | toYaml }}
{{- end }}

{{- define "acr-admission.namespaceSelector" -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      {{- include "acr-admission.excludedNamespaces" . | nindent 6 }}
  {{- if .Values.webhook.aksAdmissionsEnforcer }}
  # What AKS's Admissions Enforcer adds to every webhook, as it writes it: it finds nothing to change.
  - key: control-plane
    operator: NotIn
    values:
      - "true"
  - key: kubernetes.azure.com/managedby
    operator: NotIn
    values:
      - aks
  {{- end }}
{{- end }}
