import type { UploadLimits } from './upload-types.ts';

/**
 * Whether one more upload may run beside the few that always may. A transfer more than the link can carry delays every
 * piece; one too few leaves the uplink idle behind a busy receiver. With a limit the measured egress decides (under
 * 98.5 %: open). Without one the gate probes: it raises its target while that raises the egress, and settles for a while
 * when it does not.
 */
export class EgressGate {
  readonly #limit: number | undefined;
  readonly #activeSerial: number;
  readonly #activeMin: number;
  readonly #activeMax: number;
  #target: number;
  #egress = 0;
  #settled = 0;
  /** Starts since nothing ran and nothing waited. */
  #streak = 0;
  #probing = false;
  #probeAtMs = 0;
  /** One transfer a sample: the egress of the one just opened is not in it yet. */
  #fresh = false;

  constructor({
    egressMax,
    activeSerial,
    activeMin,
    activeMax,
  }: Pick<UploadLimits, 'egressMax' | 'activeSerial' | 'activeMin' | 'activeMax'>) {
    this.#limit = egressMax;
    this.#activeSerial = activeSerial;
    this.#activeMin = activeMin;
    this.#activeMax = activeMax;
    this.#target = Math.min(activeMax, Math.max(activeMin, unlimitedActive));
  }

  /** A measurement while `active` transfers ran; `waiting`: more could be started. */
  sample(bytesPerSecond: number, active: number, waiting: boolean, nowMs: number): void {
    this.#egress = bytesPerSecond;
    this.#fresh = true;
    if (this.#limit !== undefined || !waiting || active < this.#target) return;
    const floor = Math.min(this.#activeMax, Math.max(this.#activeMin, unlimitedActive));
    if (this.#probing && bytesPerSecond < this.#settled * probeGain) {
      this.#target = Math.max(floor, this.#target - 1);
      this.#probing = false;
      this.#probeAtMs = nowMs + settleMs;
    } else if (nowMs >= this.#probeAtMs && this.#target < this.#activeMax) {
      this.#settled = bytesPerSecond;
      this.#target++;
      this.#probing = true;
    }
  }

  /** @param active transfers that run now */
  open(active: number): boolean {
    if (active >= this.#activeMax) return false;
    if (active < this.always) return true;
    if (this.#limit === undefined) return active < this.#target;
    return this.#fresh && this.#egress < this.#limit * fullShare;
  }

  /** Transfers that may run whatever the egress is: few after an idle time, then one more every few starts. */
  get always(): number {
    return Math.min(this.#activeMin, this.#activeSerial + Math.floor(this.#streak / startsPerSlot));
  }

  /** One more was opened. */
  opened(): void {
    this.#fresh = false;
    this.#streak++;
  }

  /** Nothing waits and nothing runs. */
  rested(): void {
    this.#streak = 0;
  }
}

/** Of its limit: an uplink that carries less has room for one more. A gate that shuts at 90 % leaves the rest idle for good. */
const fullShare = 0.985;
/** While a swarm is young every piece time doubles it, if pieces go out nearly one by one. */
const startsPerSlot = 5;
/** Transfers at once while no limit is known and a further one has not raised the egress. */
const unlimitedActive = 4;
/** A probe is kept when it raised the egress by so much; after one that did not the gate rests. */
const probeGain = 1.05;
const settleMs = 1000;
