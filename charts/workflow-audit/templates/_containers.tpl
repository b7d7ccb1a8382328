{{/* Brings the schema up to date. Takes a list: the root. */}}
{{- define "workflow-audit.migrationContainer" -}}
name: migrate
image: {{ include "workflow-audit.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
  - migrate
  {{- if .Values.trialDatabase.enabled }}
  - --wait=600
  - --passwords-from=/etc/workflow-audit/database/logins
  {{- end }}
env:
  {{- include "workflow-audit.databaseCommon" . | nindent 2 }}
  {{- include "workflow-audit.databaseLogin" (dict "root" . "login" "migration" "variable" "AUDIT_DATABASE_URL" "role" "postgres") | nindent 2 }}
resources:
  {{- toYaml .Values.migration.resources | nindent 2 }}
securityContext:
  {{- include "workflow-audit.containerSecurity" . | nindent 2 }}
volumeMounts:
  {{- include "workflow-audit.databaseMounts" (dict "root" . "logins" (list "migration")) | nindent 2 }}
  {{- if .Values.trialDatabase.enabled }}
  - name: database-logins
    mountPath: /etc/workflow-audit/database/logins
    readOnly: true
  {{- end }}
{{- end }}

{{- define "workflow-audit.migrationVolumes" -}}
{{- include "workflow-audit.databaseVolumes" (dict "root" . "logins" (list "migration")) }}
{{- if .Values.trialDatabase.enabled }}
- name: database-logins
  secret:
    secretName: workflow-audit-trial-database
    defaultMode: 0440
    items:
      - key: operator
        path: workflow_audit_writer
      - key: retention
        path: workflow_audit_retention
      - key: apiserver
        path: workflow_audit_reader
{{- end }}
{{- end }}
