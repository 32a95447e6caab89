import { referrersKey, tagSwarmIdOf } from '@shoal/core';
import { sha256 } from '@shoal/store';
import { Direct } from './direct/direct.ts';
import type { Ground } from './ground.ts';
import { AgentRegistry } from './http/agent-registry.ts';
import { Manifests } from './manifests/manifests.ts';
import { DescriptorBook } from './metainfo/descriptor-book.ts';
import { MetainfoSource } from './metainfo/metainfo-source.ts';
import { ownerKey } from './origin/origins.ts';
import { PassThroughs } from './pull/pass-through.ts';
import { Pulls } from './pull/pulls.ts';
import { ReferrersResolver } from './referrers/referrers-resolver.ts';
import type { SwarmSide } from './swarm-side.ts';
import { TagAnnouncer } from './tags/tag-announcer.ts';
import { TagResolver, type TagSources } from './tags/tag-resolver.ts';

/** What this node is to its container runtimes: tags, manifests and blobs. */
export interface PullSide {
  readonly registry: AgentRegistry;
  readonly pulls: Pulls;
  readonly tagAnnouncer: TagAnnouncer;
}

export const pullSide = (ground: Ground, swarm: SwarmSide): PullSide => {
  const { cache, origins, events, tags, isOwnName } = ground;
  const { firstByteMs } = ground.config.deadlines;
  const metainfo = metainfoSource(ground, swarm);
  const descriptors = new DescriptorBook();
  const direct = directOf(ground, swarm, descriptors);
  const pulls = pullsOf(ground, swarm, metainfo, direct);
  const tagAnnouncer = new TagAnnouncer(swarm.announcer);
  const resolver = new TagResolver({
    book: tags,
    sources: tagSources(ground, swarm),
    events: {
      tagRefused: (...refusal) => events.tagRefused(...refusal),
      tagStale: (...stale) => events.tagStale(...stale),
      tagKept: ({ record }) => tagAnnouncer.kept(record.repository, record.tag),
      tagForgotten: (repository, tag) => tagAnnouncer.forgotten(repository, tag),
    },
  });
  const manifests = new Manifests({
    resolveTag: (repository, tag) => resolver.resolve(repository, tag),
    directTag: async (repository, tag) => (direct.covers(repository) ? direct.tag(repository, tag) : undefined),
    open: (repository, digest) => pulls.open(repository, digest),
    find: (repository, digest) => metainfo.ask(digest, repository),
    used: (digest) => {
      const blob = cache.get(digest);
      if (!blob?.complete) return false;
      swarm.seeds.ensure(blob);
      return true;
    },
    mediaTypes: ground.records,
    descriptors,
    passed: (repository, blobs) => {
      // Index and metainfo are on their way before the runtime asks for the layers.
      void metainfo.prefetch(
        blobs.filter((digest) => !cache.get(digest)),
        repository,
      );
    },
  });
  const referrers = referrersResolver(ground, swarm, direct, tagAnnouncer);
  const passCredentials = ground.config.access.mode === 'verify';
  const registry = new AgentRegistry({
    orphaned: (repository) => origins.reachable === 0 && !direct.covers(repository),
    manifests,
    pulls,
    origins,
    referrers,
    firstByteMs,
    isOwnName,
    passCredentials,
  });
  return { registry, pulls, tagAnnouncer };
};

const metainfoSource = ({ origins, learner, cache }: Ground, { peers }: SwarmSide): MetainfoSource =>
  new MetainfoSource({
    askOrigins: (digest, repository) =>
      origins.ask((client) => client.metainfo(digest, repository), ownerKey(repository, digest)),
    trusted: (digest, bytes) => learner.trustedMetainfo(digest, bytes),
    cached: (digest) => cache.get(digest)?.signed,
    peers,
  });

const tagSources = ({ origins, learner, tags }: Ground, { peers }: SwarmSide): TagSources => ({
  askOrigins: async (repository, tag) => {
    const answer = await origins.ask((client) => client.tag(repository, tag), ownerKey(repository, repository));
    if (answer.kind === 'found' && !tags.parse(repository, tag, answer.value.bytes)) await learner.refresh();
    return answer;
  },
  askPeers: (repository, tag) =>
    peers.all({ kind: 'tag', key: tag, repository }, { swarm: tagSwarmIdOf(repository, tag, sha256) }),
});

const referrersResolver = (
  { origins, learner, referrers: book, events }: Ground,
  { peers }: SwarmSide,
  direct: Direct,
  announcer: TagAnnouncer,
): ReferrersResolver =>
  new ReferrersResolver({
    book,
    sources: {
      askOrigins: async (repository, subject) => {
        const answer = await origins.ask(
          (client) => client.referrers(repository, subject),
          ownerKey(repository, repository),
        );
        if (answer.kind === 'found' && !book.parse(repository, subject, answer.value.bytes)) await learner.refresh();
        return answer;
      },
      askPeers: (repository, subject) => {
        const key = referrersKey(subject);
        return peers.all({ kind: 'tag', key, repository }, { swarm: tagSwarmIdOf(repository, key, sha256) });
      },
      askRegistry: async (repository, subject) =>
        direct.covers(repository) ? direct.referrers(repository, subject).catch(() => undefined) : undefined,
    },
    events: {
      referrersKept: ({ record }) => announcer.kept(record.repository, referrersKey(record.subject)),
      referrersStale: (...stale) => events.referrersStale(...stale),
      referrersRefused: (...refused) => events.referrersRefused(...refused),
    },
  });

const directOf = (ground: Ground, swarm: SwarmSide, descriptors: DescriptorBook): Direct => {
  const { upstreams, origins, cache, records, book, config, events } = ground;
  return new Direct({
    tracker: swarm.tracker,
    peers: swarm.peers,
    exchange: swarm.exchange,
    seeds: swarm.seeds,
    receiving: swarm.receiving,
    upstreams,
    origins,
    cache,
    descriptors,
    mediaTypes: records,
    policy: () => book.pieceLengthPolicy,
    peerMs: config.deadlines.peerMs,
    events,
  });
};

const pullsOf = (ground: Ground, swarm: SwarmSide, metainfo: MetainfoSource, direct: Direct): Pulls => {
  const { config, events, clock, prng, cache, book, origins } = ground;
  const { exchange, announcer, seeds, peers } = swarm;
  const { limits, deadlines } = config;
  return new Pulls({
    cache,
    seeds,
    metainfo,
    direct,
    small: { origins, peers, events },
    passThroughs: new PassThroughs({ origins, openMax: limits.passThroughsMax, events }),
    context: {
      exchange,
      announcer,
      origins,
      originAddresses: (reach) => book.originAddresses(reach === 'near' ? (config.zone ?? '') : undefined),
      events,
      clock,
      prng,
      fallbackMs: deadlines.fallbackMs,
      bytesPerSecondMax: limits.blobDownloadBytesPerSecondMax,
      firstByteMs: deadlines.firstByteMs,
      verifyWhole: config.cache.verify === 'blob',
    },
    downloadsMax: limits.downloadsMax,
  });
};
