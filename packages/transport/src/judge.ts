import type { PeerId } from '@shoal/core';
import {
  type Challenge,
  decodeHelloFields,
  type Hello,
  type HelloFields,
  protocolVersion,
  protocolVersionMin,
} from '@shoal/protocol';
import type { NodeIdentity } from './identity.ts';
import type { ProofLabel } from './proof.ts';
import { Refusal } from './refusal.ts';
import type { Station } from './station.ts';

/** The highest version that both sides speak. @throws Refusal */
export const agreeVersion = ({ versionMin, versionMax }: Challenge): number => {
  const version = Math.min(versionMax, protocolVersion);
  if (version >= versionMin && version >= protocolVersionMin) return version;
  throw new Refusal('version', `versions ${versionMin} to ${versionMax} are spoken there, ${spoken} here`);
};

/** What a HELLO is held against. */
interface Standing {
  readonly label: ProofLabel;
  /** Of this side. */
  readonly nonce: Uint8Array;
  /** The peer ids that the other side's certificate allows it, if that names any. */
  readonly certifiedIds: ReadonlySet<PeerId> | undefined;
}

/**
 * Who the other side is. Nothing of what it says is believed before its proof is right, and a refusal tells it
 * nothing of this node that it has not said itself.
 * @throws Refusal; ProtocolError when HELLO breaks the grammar
 */
export const judge = (station: Station, hello: Hello, { label, nonce, certifiedIds }: Standing): HelloFields => {
  const { identity, proofs, rolesAccepted } = station;
  const fields = decodeHelloFields(hello.signed);
  if (fields.version < protocolVersionMin || fields.version > protocolVersion) {
    throw new Refusal('version', `version ${fields.version} is not spoken here, but ${spoken}`);
  }
  if (fields.clusterId !== identity.clusterId)
    throw new Refusal('cluster', `cluster ${fields.clusterId} is another one`);
  const flaw = proofs.flaw(label, nonce, hello);
  if (flaw !== undefined) throw new Refusal('credential', flaw);
  if (certifiedIds && !certifiedIds.has(fields.peerId))
    throw new Refusal('credential', `the certificate is not that of peer ${fields.peerId}`);
  if (fields.peerId === identity.peerId) {
    throw new Refusal('self', 'both sides have one peer id: a node dialled itself, or two share an identity');
  }
  if (!rolesAccepted.includes(fields.role)) throw new Refusal('role', `role ${fields.role} is not accepted here`);
  return fields;
};

export const identityOf = ({ peerId, incarnation, role, zone, clusterId, address }: HelloFields): NodeIdentity => ({
  peerId,
  incarnation,
  role,
  zone,
  clusterId,
  address,
});

const spoken = `${protocolVersionMin} to ${protocolVersion}`;
