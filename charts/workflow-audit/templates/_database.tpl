{{/*
How a program reaches the database. A login is mounted as files, which are read at every connection:
the whole URL, or the password alone. What all logins have in common is in libpq's own variables.
*/}}

{{- define "workflow-audit.databaseCommon" -}}
{{- $database := .Values.database -}}
{{- if .Values.trialDatabase.enabled }}
- name: PGHOST
  value: workflow-audit-trial-database
- name: PGDATABASE
  value: audit
- name: PGSSLMODE
  value: disable # of a trial: no authority signs its certificate
{{- else }}
{{- if $database.host }}
- name: PGHOST
  value: {{ $database.host }}
- name: PGPORT
  value: {{ $database.port | quote }}
- name: PGDATABASE
  value: {{ $database.name }}
{{- end }}
- name: PGSSLMODE
  value: {{ $database.sslmode }}
{{- if or $database.ca.secret $database.ca.configMap }}
- name: PGSSLROOTCERT
  value: /etc/workflow-audit/database/authority/ca.crt
{{- end }}
{{- end }}
{{- end }}

{{/* Variables of a login. Takes a dict: root, login, variable, role. */}}
{{- define "workflow-audit.databaseLogin" -}}
{{- $database := .root.Values.database -}}
{{- $folder := printf "/etc/workflow-audit/database/%s" .login -}}
{{- if .root.Values.trialDatabase.enabled }}
- name: {{ .variable }}
  value: user={{ .role }}
- name: {{ .variable }}_PASSWORD_FILE
  value: {{ $folder }}/password
{{- else if $database.host }}
- name: DATABASE_USER_{{ upper .login }}
  valueFrom:
    secretKeyRef:
      name: {{ get $database.logins .login }}
      key: {{ $database.keys.username }}
- name: {{ .variable }}
  value: user='$(DATABASE_USER_{{ upper .login }})'
- name: {{ .variable }}_PASSWORD_FILE
  value: {{ $folder }}/password
{{- else }}
- name: {{ .variable }}_FILE
  value: {{ $folder }}/url
{{- end }}
{{- end }}

{{/* Takes a list of logins. */}}
{{- define "workflow-audit.databaseMounts" -}}
{{- range .logins }}
- name: database-{{ . }}
  mountPath: /etc/workflow-audit/database/{{ . }}
  readOnly: true
{{- end }}
{{- if include "workflow-audit.databaseAuthority" .root }}
- name: database-authority
  mountPath: /etc/workflow-audit/database/authority
  readOnly: true
{{- end }}
{{- end }}

{{/* Takes a dict: root, logins. */}}
{{- define "workflow-audit.databaseVolumes" -}}
{{- $root := .root -}}
{{- $database := $root.Values.database -}}
{{- range .logins }}
- name: database-{{ . }}
  secret:
    {{- if $root.Values.trialDatabase.enabled }}
    secretName: workflow-audit-trial-database
    defaultMode: 0440
    items:
      - key: {{ eq . "ingestion" | ternary "operator" . }} # both write
        path: password
    {{- else }}
    secretName: {{ get $database.logins . }}
    defaultMode: 0440
    items: # nothing else of it
      {{- if $database.host }}
      - key: {{ $database.keys.password }}
        path: password
      {{- else }}
      - key: {{ $database.keys.url }}
        path: url
      {{- end }}
    {{- end }}
{{- end }}
{{- with include "workflow-audit.databaseAuthority" $root }}
{{ . }}
{{- end }}
{{- end }}

{{- define "workflow-audit.databaseAuthority" -}}
{{- $ca := .Values.database.ca -}}
{{- if and (or $ca.secret $ca.configMap) (not .Values.trialDatabase.enabled) -}}
- name: database-authority
  {{- if $ca.secret }}
  secret:
    secretName: {{ $ca.secret }}
  {{- else }}
  configMap:
    name: {{ $ca.configMap }}
  {{- end }}
    items:
      - key: {{ $ca.key }}
        path: ca.crt
{{- end }}
{{- end }}
