{{/* What all pods of distrib have in common; each template is given the root context, or a dict with it as `root`. */}}

{{- define "distrib.name" -}}
{{- if contains "distrib" .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-distrib" .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "distrib.labels" -}}
{{ include "distrib.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "distrib.selector" -}}
app.kubernetes.io/name: distrib
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .part }}
{{- end -}}

{{/* The keys of the Secret that a part sees: of the logins of the database no more than it takes. */}}
{{- define "distrib.secretKeys" -}}
{{- $keys := list "database_url" "key_pepper" "data_key" -}}
{{- if ne .part "web" }}{{ $keys = append $keys "worker_database_url" }}{{ end -}}
{{- if eq .part "migrate" }}{{ $keys = append $keys "owner_database_url" }}{{ end -}}
{{- concat $keys .root.Values.secretKeys | toJson -}}
{{- end -}}

{{- define "distrib.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 40
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
volumes:
  - name: secrets
    secret:
      secretName: {{ .root.Values.existingSecret }}
      defaultMode: 0440
      items:
        {{- range include "distrib.secretKeys" . | fromJsonArray }}
        - {key: {{ . }}, path: {{ . }}}
        {{- end }}
  - name: var
    emptyDir: {sizeLimit: 256Mi}
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
{{- end -}}

{{- define "distrib.container" -}}
image: "{{ .root.Values.image.repository }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}"
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
  - {name: DISTRIB_ENVIRONMENT, value: production}
  - {name: DISTRIB_VAR_DIR, value: /var/lib/distrib}
  {{- range include "distrib.secretKeys" . | fromJsonArray }}
  - {name: DISTRIB_{{ upper . }}_FILE, value: /run/secrets/distrib/{{ . }}}
  {{- end }}
  {{- range $name, $value := .root.Values.settings }}
  - {name: {{ $name }}, value: {{ $value | quote }}}
  {{- end }}
volumeMounts:
  - {name: secrets, mountPath: /run/secrets/distrib, readOnly: true}
  - {name: var, mountPath: /var/lib/distrib}
  - {name: tmp, mountPath: /tmp}
{{- end -}}
