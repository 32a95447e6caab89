import path from 'node:path';
import { portOffsets, portsPerBlock, type PortName } from './ports.ts';

export type ServiceName = 'origin' | 'tracker' | 'agent';

/** One process of the cluster: where it listens (127.0.0.1) and keeps its files. */
export interface NodeLayout {
  /** `origin`, `tracker`, `agent-1`, ... */
  readonly name: string;
  readonly service: ServiceName;
  readonly ports: Readonly<Record<PortName, number>>;
  /** Holds the configuration, the log and the data folder. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly configFile: string;
  readonly logFile: string;
}

export interface LayoutOptions {
  /** The first port: the origin's block; the tracker's and the agents' follow. */
  readonly basePort: number;
  /** The folder of the whole cluster. */
  readonly data: string;
}

const nodeLayout = (name: string, service: ServiceName, block: number, options: LayoutOptions): NodeLayout => {
  const port = (offset: number): number => options.basePort + block * portsPerBlock + offset;
  const { http, pieces, admin, debug } = portOffsets;
  const folder = path.resolve(options.data, name);
  return {
    name,
    service,
    ports: { http: port(http), pieces: port(pieces), admin: port(admin), debug: port(debug) },
    folder,
    dataFolder: path.join(folder, 'data'),
    configFile: path.join(folder, 'config.yaml'),
    logFile: path.join(folder, 'service.log'),
  };
};

export const originLayout = (options: LayoutOptions): NodeLayout => nodeLayout('origin', 'origin', 0, options);

/** Tracker `index` from 0. Only the first has a block below the agents; more of them stand from block 50 on. */
export const trackerLayout = (index: number, options: LayoutOptions): NodeLayout =>
  index === 0
    ? nodeLayout('tracker', 'tracker', 1, options)
    : nodeLayout(`tracker-${index + 1}`, 'tracker', extraTrackersFirstBlock + index - 1, options);

/** Agent `index` from 0: `agent-1` stands two blocks above the origin. */
export const agentLayout = (index: number, options: LayoutOptions): NodeLayout =>
  nodeLayout(`agent-${index + 1}`, 'agent', 2 + index, options);

/** A cluster on one machine has at most this many agents, and this many trackers. */
export const agentsMax = 48;
export const trackersMax = 4;
const extraTrackersFirstBlock = agentsMax + 2;

/** The blocks that a cluster takes when its first agent-less block has to be free as well. */
export const blocksFor = (agents: number, trackers: number): number =>
  trackers > 1 ? extraTrackersFirstBlock + trackers - 1 : 2 + agents;
