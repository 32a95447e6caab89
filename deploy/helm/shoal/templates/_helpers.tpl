{{- define "shoal.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 48 | trimSuffix "-" -}}
{{- end }}

{{- define "shoal.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "shoal.labels" -}}
{{ include "shoal.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: shoal
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "shoal.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "shoal.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "shoal.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ default $.Chart.AppVersion .tag }}{{ end -}}
{{- end -}}
{{- end }}

{{- define "shoal.secretName" -}}
{{- default (include "shoal.fullname" .) .Values.secret.existing -}}
{{- end }}

{{/* A container that can do nothing but run the image: the restricted Pod Security Standard. */}}
{{- define "shoal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: { drop: [ALL] }
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "shoal.podSecurity" -}}
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Probes of a service; `port` is that of metrics and health. */}}
{{- define "shoal.probes" -}}
startupProbe:
  httpGet: { path: /livez, port: metrics }
  periodSeconds: 3
  failureThreshold: 60
readinessProbe:
  httpGet: { path: /readyz, port: metrics }
  periodSeconds: 10
  timeoutSeconds: 5
livenessProbe:
  httpGet: { path: /livez, port: metrics }
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 4
{{- end }}

{{/* What every pod of a service has besides its containers. */}}
{{- define "shoal.podCommon" -}}
{{- $values := index .root.Values .component -}}
serviceAccountName: {{ include "shoal.serviceAccount" .root }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "shoal.podMetadata" -}}
labels: {{- include "shoal.labels" . | nindent 2 }}
annotations:
  checksum/config: {{ include "shoal.configYaml" . | sha256sum }}
  {{- with (index .root.Values .component).podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Certificates of piece connections; a mounted secret follows its changes, and the services read it again. */}}
{{- define "shoal.piecesTls" -}}
{{- if .Values.pieces.tlsSecret }}
tls: { certFile: /run/pieces-tls/tls.crt, keyFile: /run/pieces-tls/tls.key, caFile: /run/pieces-tls/ca.crt }
{{- end }}
{{- end }}

{{- define "shoal.piecesMounts" -}}
{{- if .Values.pieces.tlsSecret }}
- { name: pieces-tls, mountPath: /run/pieces-tls, readOnly: true }
{{- end }}
{{- end }}

{{- define "shoal.piecesVolumes" -}}
{{- if .Values.pieces.tlsSecret }}
- { name: pieces-tls, secret: { secretName: {{ .Values.pieces.tlsSecret }} } }
{{- end }}
{{- end }}

{{- define "shoal.commonMounts" -}}
- { name: config, mountPath: /etc/shoal, readOnly: true }
- { name: secret, mountPath: /run/shoal, readOnly: true }
{{- end }}

{{- define "shoal.commonVolumes" -}}
- name: config
  configMap: { name: {{ include "shoal.fullname" .root }}-{{ .component }} }
- name: secret
  secret:
    secretName: {{ include "shoal.secretName" .root }}
    items: [{ key: cluster-secret, path: cluster-secret }]
{{- end }}

{{/* The address of the pod, where others reach its pieces, and the zone of its node (Kubernetes 1.35 labels pods with it). */}}
{{- define "shoal.placeEnv" -}}
- name: SHOAL_{{ upper . }}_PIECES_HOST
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: SHOAL_{{ upper . }}_ZONE
  valueFrom: { fieldRef: { fieldPath: "metadata.labels['topology.kubernetes.io/zone']" } }
{{- end }}

{{/*
The configurations of the services: what the chart knows, under what the values say. They are merged as YAML because
numbers of values are floats.
*/}}
{{- define "shoal.origin.config" -}}
cluster: { secretFile: /run/shoal/cluster-secret }
folder: /data
registry:
  host: {{ .Values.listenHost | quote }}
  port: 7000
  {{- if .Values.origin.tlsSecret }}
  tls: { certFile: /run/tls/tls.crt, keyFile: /run/tls/tls.key }
  {{- end }}
pieces:
  port: 7001
  {{- include "shoal.piecesTls" . | nindent 2 }}
admin: { host: {{ .Values.listenHost | quote }}, port: 7002 }
stop: { timeoutMs: {{ .Values.origin.stopSeconds }}s }
{{- if .Values.origin.upstreamLoginSecret }}
upstreams: { dockerConfigFile: /run/upstreams/.dockerconfigjson }
{{- end }}
{{- end }}

{{- define "shoal.redisUrl" -}}
{{- if .Values.redis.enabled -}}
redis://{{ include "shoal.fullname" . }}-redis:6379
{{- else -}}
{{- .Values.redis.url -}}
{{- end -}}
{{- end }}

{{- define "shoal.tracker.config" -}}
cluster: { secretFile: /run/shoal/cluster-secret }
api: { host: {{ .Values.listenHost | quote }}, port: 7010 }
admin: { host: {{ .Values.listenHost | quote }}, port: 7012 }
replicas: {{ .Values.tracker.replicas }}
stop: { timeoutMs: {{ .Values.tracker.stopSeconds }}s }
{{- with include "shoal.redisUrl" . }}
redis:
  url: {{ . }}
  {{- if $.Values.redis.passwordSecret }}
  passwordFile: /run/redis/password
  {{- end }}
{{- end }}
{{- end }}

{{- define "shoal.agent.config" -}}
cluster: { secretFile: /run/shoal/cluster-secret }
origins:
  - {{ ternary "https" "http" (ne .Values.origin.tlsSecret "") }}://{{ include "shoal.fullname" . }}-origin:7000
trackers:
  - http://{{ include "shoal.fullname" . }}-tracker:7010
{{- if .Values.origin.tlsSecret }}
trust: { caFile: /run/tls/ca.crt }
{{- end }}
registry:
  host: {{ ternary "127.0.0.1" .Values.listenHost .Values.agent.hostNetwork | quote }}
  port: {{ .Values.agent.port }}
pieces:
  port: 7021
  {{- include "shoal.piecesTls" . | nindent 2 }}
admin: { host: {{ .Values.listenHost | quote }}, port: 7022 }
cache: { folder: /data }
stop: { timeoutMs: {{ .Values.agent.stopSeconds }}s }
{{- end }}

{{- define "shoal.configYaml" -}}
{{- $chart := include (printf "shoal.%s.config" .component) .root | fromYaml -}}
{{- toYaml (mergeOverwrite $chart (deepCopy (index .root.Values .component).config)) -}}
{{- end }}
