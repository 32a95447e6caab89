import { OciError, parseRepositoryName, type RepositoryName } from '@shoal/core';

/** Docker Hub has one name in image references and others on the wire. */
const dockerHub = 'docker.io';
const dockerHubNames = new Set([dockerHub, 'index.docker.io', 'registry-1.docker.io', 'registry.hub.docker.com']);

const hostPattern = /^(?=.{1,253}(?::|$))[a-z0-9]+(?:[.-]+[a-z0-9]+)*(?::\d{1,5})?$/;

/**
 * The one name of a registry host, `quay.io` or `registry.example.com:5000`: in lower case, without the port 443, Docker
 * Hub's always `docker.io`. A second name would be another registry to the rules for the first. Undefined for what no URL
 * can hold, such as the port 99999, and for IPv6 addresses: a repository name cannot hold them.
 */
export const registryHost = (raw: string): string | undefined => {
  const host = hostPattern.test(raw.toLowerCase()) ? URL.parse(`https://${raw}`)?.host : undefined;
  return host !== undefined && dockerHubNames.has(host) ? dockerHub : host;
};

/** Where a registry is reached unless somebody says otherwise. */
export const registryUrl = (host: string): string =>
  host === dockerHub ? 'https://registry-1.docker.io' : `https://${host}`;

/** A repository of another registry, and that registry. */
export interface UpstreamName {
  readonly host: string;
  readonly repository: RepositoryName;
}

/**
 * What a repository name such as `quay.io/team/app` or `registry.example.com_5000/team/app` means as one of another
 * registry: a first component with a dot, a port or the name localhost is a host, as in image references of docker. A port
 * follows an underscore, because a repository name has no colon and a host no underscore. Undefined for other names.
 */
export const parseUpstreamName = (name: RepositoryName): UpstreamName | undefined => {
  const slash = name.indexOf('/');
  const [, first = '', port] = /^(.*?)(?:_(\d{1,5}))?$/.exec(name.slice(0, slash)) ?? [];
  if (slash === -1 || (port === undefined && !first.includes('.') && first !== 'localhost')) return undefined;
  const host = registryHost(port === undefined ? first : `${first}:${port}`);
  if (host === undefined) return undefined;
  return { host, repository: officialName(host, name.slice(slash + 1)) as RepositoryName };
};

/** The name under which the cluster knows a repository of another registry. @throws OciError NAME_INVALID when it is too long */
export const upstreamRepositoryName = ({ host, repository }: { host: string; repository: string }): RepositoryName =>
  parseRepositoryName(`${host.replace(':', '_')}/${officialName(host, repository)}`);

/** Docker Hub's own images have the namespace `library`. */
const officialName = (host: string, repository: string): string =>
  host === dockerHub && !repository.includes('/') ? `library/${repository}` : repository;

/**
 * The repository that a request means, by the name that the whole cluster uses for it. `ns` is containerd's: the registry
 * that the client wants the content of. A host for which `isOwn` is true is this cluster's own registry; so it is for
 * `isOwnPath` in a path, where podman and CRI-O have it. A path that begins with the host already (hosts.toml with
 * `override_path`) is not prefixed again.
 * @throws OciError NAME_UNKNOWN for an `ns` that is no host, so that the client goes on to the next registry
 */
export const requestedRepository = (
  repository: RepositoryName,
  ns: string | undefined,
  isOwn: (host: string) => boolean,
  isOwnPath = isOwn,
): RepositoryName => {
  const named = parseUpstreamName(repository);
  const own = named !== undefined && isOwnPath(named.host);
  const inPath = named ? (own ? named.repository : upstreamRepositoryName(named)) : repository;
  if (ns === undefined) return inPath;
  const host = registryHost(ns);
  if (host === undefined)
    throw new OciError('NAME_UNKNOWN', `ns: ${JSON.stringify(ns.slice(0, 160))} is no registry host`);
  return isOwn(host) || named?.host === host ? inPath : upstreamRepositoryName({ host, repository });
};
