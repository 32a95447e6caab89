/** What a program needs that only asks the processes of a cluster, without a server of its own. */
export { ClusterAuthError, clusterAuth } from './auth/cluster-auth.ts';
export type { ClusterAuth } from './auth/cluster-auth.ts';
export { ClusterAnswerError, clusterFetch, clusterFetchJson, readBytes } from './auth/cluster-fetch.ts';
export type { ClusterAnswer } from './auth/cluster-fetch.ts';
