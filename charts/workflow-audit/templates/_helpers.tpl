{{/*
Labels by which pods are found; they never change. Takes a list: the root, the component.
*/}}
{{- define "workflow-audit.selector" -}}
app.kubernetes.io/name: workflow-audit
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{/* Labels of an object. Takes a list: the root, the component. */}}
{{- define "workflow-audit.labels" -}}
{{- $root := index . 0 -}}
{{ include "workflow-audit.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name ($root.Chart.Version | replace "+" "_") }}
{{- with $root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "workflow-audit.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{/* Metadata of an object of the cluster. Takes a list: the root, the component, the name. */}}
{{- define "workflow-audit.clusterMetadata" -}}
name: {{ index . 2 }}
labels:
  {{- include "workflow-audit.labels" . | nindent 2 }}
{{- end }}

{{/* Metadata of an object of the namespace. Takes a list: the root, the component, the name. */}}
{{- define "workflow-audit.metadata" -}}
name: {{ index . 2 }}
namespace: {{ (index . 0).Release.Namespace }}
labels:
  {{- include "workflow-audit.labels" . | nindent 2 }}
{{- end }}

{{/* The strictest standard of Kubernetes for pods. */}}
{{- define "workflow-audit.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532 # it reads the mounted Secrets
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "workflow-audit.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where pods run. Takes the values of a program. */}}
{{- define "workflow-audit.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Alive does not depend on the database; ready does. */}}
{{- define "workflow-audit.probes" -}}
startupProbe:
  httpGet: &alive
    path: /healthz
    port: http
  periodSeconds: 2
  failureThreshold: 30
livenessProbe:
  httpGet: *alive
  timeoutSeconds: 5
readinessProbe:
  httpGet:
    path: /readyz
    port: http
  periodSeconds: 5
  timeoutSeconds: 5
{{- end }}

{{/* Settings by variable. Takes a map. */}}
{{- define "workflow-audit.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Something where the cluster is to set spec.requestedBy, else nothing. */}}
{{- define "workflow-audit.stampRequester" -}}
{{- $wanted := .Values.admission.stampRequester -}}
{{- $served := .Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy" -}}
{{- if or (eq $wanted "always") (and (eq $wanted "auto") $served) }}yes{{ end -}}
{{- end }}

{{/* A trial's database is not there yet when hooks run before an installation. */}}
{{- define "workflow-audit.migrationMode" -}}
{{- if .Values.trialDatabase.enabled }}InitContainer{{ else }}{{ .Values.migration.mode }}{{ end -}}
{{- end }}

{{/* Secret with the certificate of the server of readers. */}}
{{- define "workflow-audit.tlsSecret" -}}
{{- if eq .Values.certificates.source "secret" -}}
{{ required "certificates.secret: name a Secret of type kubernetes.io/tls, or choose another certificates.source" .Values.certificates.secret }}
{{- else -}}
workflow-audit-apiserver-tls
{{- end -}}
{{- end }}
