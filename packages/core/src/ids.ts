import type { Digest } from './digest.ts';
import { InvalidValueError } from './errors.ts';
import type { HashFunction, LeafAlgorithm } from './merkle.ts';
import type { RepositoryName, Tag } from './reference.ts';

/** 20 random bytes in hex; a node keeps its id over restarts. Source: BEP 3, `peer_id` (20 bytes). */
export type PeerId = string & { readonly __brand: 'PeerId' };

/** 32 bytes in hex: what the tracker groups peers by. */
export type SwarmId = string & { readonly __brand: 'SwarmId' };

/** @throws InvalidValueError */
export const parsePeerId = (raw: string): PeerId => {
  if (!/^[0-9a-f]{40}$/.test(raw)) throw new InvalidValueError('peerId', raw, 'allowed are 40 lower-case hex digits');
  return raw as PeerId;
};

/** @throws InvalidValueError */
export const parseSwarmId = (raw: string): SwarmId => {
  if (!/^[0-9a-f]{64}$/.test(raw)) throw new InvalidValueError('swarmId', raw, 'allowed are 64 lower-case hex digits');
  return raw as SwarmId;
};

/**
 * The swarm of one cutting of one blob. Two piece lengths of the same blob are two swarms, so their
 * bitfields never mix.
 */
export const swarmIdOf = (
  digest: Digest,
  leafAlgorithm: LeafAlgorithm,
  pieceLength: number,
  hash: HashFunction,
): SwarmId => parseSwarmId(hash(utf8.encode(`shoal-swarm-v1\n${digest}\n${leafAlgorithm}\n${pieceLength}\n`)).toHex());

/** Where the holders of a signed tag record meet: found through the tracker while every origin is down. */
export const tagSwarmIdOf = (repository: RepositoryName, tag: Tag, hash: HashFunction): SwarmId =>
  parseSwarmId(hash(utf8.encode(`shoal-tag-swarm-v1\n${repository}\n${tag}\n`)).toHex());

const utf8 = new TextEncoder();
