{{/* Root with the named capabilities alone, for what has to be done to files of the node. */}}
{{- define "shoal.rootSecurity" -}}
runAsUser: 0
runAsGroup: 0
runAsNonRoot: false
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL], add: [{{ join ", " . }}] }
{{- end }}

{{/* Runs `shoal install containerd` or `shoal uninstall containerd` on the files of the node. */}}
{{- define "shoal.mirrorContainer" -}}
{{- with .root.Values.agent -}}
- name: mirror
  image: {{ include "shoal.image" $.root }}
  imagePullPolicy: {{ $.root.Values.image.pullPolicy }}
  args:
    - shoal
    - {{ $.action }}
    - containerd
    - --root
    - /host
    - --json
    {{- if eq $.action "install" }}
    - --agent
    - http://127.0.0.1:{{ .port }}
    {{- range .mirror.registries }}
    - --registry
    - {{ . | quote }}
    {{- end }}
    {{- end }}
  securityContext: {{- include "shoal.rootSecurity" (list "DAC_OVERRIDE" "CHOWN" "FOWNER") | nindent 4 }}
  resources: {{- toYaml .resources | nindent 4 }}
  volumeMounts:
    - { name: containerd, mountPath: /host/etc/containerd }
    - { name: install, mountPath: /host/var/lib/shoal }
{{- end -}}
{{- end }}

{{- define "shoal.mirrorVolumes" -}}
- { name: containerd, hostPath: { path: /etc/containerd, type: DirectoryOrCreate } }
- { name: install, hostPath: { path: /var/lib/shoal, type: DirectoryOrCreate } }
{{- end }}
