export { Cluster, ClusterNode, type ClusterOptions, PortInUseError } from './cluster/cluster.ts';
export type { Settings } from './cluster/config-files.ts';
export type { ServiceName } from './cluster/layout.ts';
export { freePortBase } from './cluster/ports.ts';
export { MetricsSnapshot, readMetrics } from './demo/metrics.ts';
