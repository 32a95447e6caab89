import { type Address, formatAddress, type PeerId } from '@shoal/core';
import { advertisedAddress } from './advertised.ts';
import { DialAttempt } from './dial-attempt.ts';
import { DialError } from './dial-error.ts';
import { defaultEndpointLimits, type EndpointLimits } from './endpoint-limits.ts';
import type { EndpointOptions } from './endpoint-options.ts';
import { FrontDesk } from './front-desk.ts';
import type { NodeIdentity } from './identity.ts';
import type { Link } from './link.ts';
import { watchLiveness } from './liveness.ts';
import { silentLog } from './log.ts';
import { Proofs } from './proof.ts';
import { ReceiveTurn } from './receive-turn.ts';
import { Roster } from './roster.ts';
import { type Listener, tcpSockets } from './socket-factory.ts';
import type { Station } from './station.ts';
import { type Throttle, throttleOf } from './throttle.ts';

/** One node's place in the swarm: listens, dials, and keeps at most one link a peer. */
export class Endpoint implements AsyncDisposable {
  /** Where it is bound. */
  readonly address: Address;
  readonly #station: Station;
  readonly #roster: Roster;
  readonly #desk: FrontDesk;
  readonly #listener: Listener;
  readonly #dials = new Map<string, DialAttempt>();
  readonly #stopLiveness: () => void;
  #closing: Promise<void> | undefined;

  private constructor(station: Station, roster: Roster, desk: FrontDesk, listener: Listener) {
    this.address = listener.address;
    this.#station = station;
    this.#roster = roster;
    this.#desk = desk;
    this.#listener = listener;
    this.#stopLiveness = watchLiveness(station, () => roster.values());
  }

  /** @throws the listener's error, such as EADDRINUSE; InvalidValueError for an address that cannot be advertised */
  static async listen(options: EndpointOptions): Promise<Endpoint> {
    const { sockets = tcpSockets, log = silentLog } = options;
    let desk: FrontDesk | undefined;
    const listener = await sockets.listen(options.listen, {
      limits: limitsOf(options),
      accepted: (socket) => {
        if (desk) desk.accept(socket);
        else socket.destroy();
      },
      refused: (remote, reason) => log.info({ remote, reason }, 'a connection was refused'),
      failed: (error) => log.warn({ err: error }, 'a connection could not be accepted'),
    });
    try {
      const station = stationOf(options, advertisedAddress(options.identity.address, listener.address));
      const roster = new Roster(station);
      desk = new FrontDesk(station, roster);
      return new Endpoint(station, roster, desk, listener);
    } catch (error) {
      await listener.close();
      throw error;
    }
  }

  /** As given, with the advertised address filled in. */
  get identity(): NodeIdentity {
    return this.#station.identity;
  }

  /**
   * A link to whoever listens there: the one that stands, the one being dialled, or a new one. `linkOpened` has
   * been called for it when this resolves. An aborted signal only ends this caller's wait.
   * @throws DialError: refused, unreachable, another cluster, myself, out of time, aborted, too many dials or links
   */
  async dial(address: Address, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Link> {
    const key = formatAddress(address);
    if (signal?.aborted) throw new DialError(key, 'aborted', { cause: signal.reason });
    const known = this.#roster.at(address);
    if (known) return known;
    return (this.#dials.get(key) ?? this.#attempt(key, address)).join(signal);
  }

  links(): Iterable<Link> {
    return this.#roster.values();
  }

  linkOf(peerId: PeerId): Link | undefined {
    return this.#roster.of(peerId);
  }

  /** A chunk waits for the upload limit. */
  get uploadSaturated(): boolean {
    return this.#station.upload?.saturated ?? false;
  }

  /** The download limit, which covers what its owner receives by other ways as well; undefined without one. */
  get downloadLimit(): Pick<Throttle, 'admits' | 'saturated' | 'spend'> | undefined {
    return this.#station.download;
  }

  /** Closes listener, links and dials, each with a reason to the peer; no handle is left when it resolves. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close('the node stops'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #attempt(key: string, address: Address): DialAttempt {
    const { dialsMax, linksMax } = this.#station.limits;
    const refuse = (reason: string): never => {
      throw new DialError(key, reason, { local: true });
    };
    if (this.#closing) refuse('the endpoint is closed');
    if (this.#dials.size >= dialsMax) refuse(`${dialsMax} dials are under way`);
    if (this.#roster.size >= linksMax) refuse(`${linksMax} links are open`);
    const attempt: DialAttempt = new DialAttempt(address, {
      station: this.#station,
      roster: this.#roster,
      desk: this.#desk,
      ended: () => {
        if (this.#dials.get(key) === attempt) this.#dials.delete(key);
      },
    });
    this.#dials.set(key, attempt);
    return attempt;
  }

  async #close(reason: string): Promise<void> {
    const { connections, upload, download } = this.#station;
    const listening = this.#listener.close();
    this.#stopLiveness();
    for (const attempt of [...this.#dials.values()]) attempt.stop(reason);
    for (const link of [...this.#roster.values()]) link.close(reason);
    this.#desk.close(reason);
    upload?.close();
    download?.close();
    await Promise.all([listening, ...[...connections].map((connection) => connection.socketClosed)]);
  }
}

const limitsOf = (options: EndpointOptions): EndpointLimits => ({ ...defaultEndpointLimits, ...options.limits });

const stationOf = (options: EndpointOptions, address: string): Station => {
  const { handler, secret, log = silentLog, clock = () => performance.now(), sockets = tcpSockets } = options;
  const limits = limitsOf(options);
  return {
    identity: { ...options.identity, address },
    proofs: new Proofs(secret),
    rolesAccepted: options.rolesAccepted ?? ['agent', 'origin'],
    limits,
    handler,
    clock,
    log,
    sockets,
    sendfile: options.sendfile,
    upload: throttleOf(limits.uploadBytesPerSecondMax, clock),
    download: throttleOf(limits.downloadBytesPerSecondMax, clock),
    receiveTurn: new ReceiveTurn(),
    // A limit is kept frame by frame, and TLS sockets cannot be told a buffer of another thread: both stay here.
    dataDialer: sockets.secure || limits.downloadBytesPerSecondMax > 0 ? undefined : options.dataDialer,
    connections: new Set(),
  };
};
