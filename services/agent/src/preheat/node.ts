import { hostname } from 'node:os';
import type { NodeDescription } from '@shoal/protocol';
import { version } from '@shoal/service';
import type { AgentConfig } from '../config.ts';

/** What a tracker can select this node by. */
export const nodeDescription = ({ node }: AgentConfig): NodeDescription => ({
  name: node.name ?? (hostname().replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'node'),
  labels: [...node.labels],
  version,
});

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** The platform of images that this node runs, as an index names it. */
export const nodePlatform = { os: 'linux', architecture: architectures[process.arch] ?? process.arch };
