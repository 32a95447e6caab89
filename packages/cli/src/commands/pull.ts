import { formatBytes, parseImageName } from '@shoal/core';
import type { ParsedArguments } from '../arguments.ts';
import { basicHeaders } from '../cluster/credentials.ts';
import { clusterFlags, endpointsHelp, endpointsOf, registryNames } from '../cluster/endpoints.ts';
import type { Command } from '../command.ts';
import { UsageError } from '../errors.ts';
import { type Platform, pullImage } from '../pull/pull-image.ts';
import { progressOn } from '../pull/progress.ts';
import { positionalsOf } from './positionals.ts';

export const pull: Command = {
  name: 'pull',
  summary: 'Pulls an image through an agent and verifies every digest; the bytes are not kept',
  parameters: '<image>',
  flags: {
    ...clusterFlags,
    platform: {
      value: 'OS/ARCH',
      help: 'which image of an index, or `all` (default this machine: linux/amd64, linux/arm64)',
    },
  },
  details: `The image is [host/]name[:tag][@digest]; \`team/app:1\` is one of the cluster's own registry, \`quay.io/team/app:1\` one of
another. It is pulled through the first agent. What arrives stays in the agent's cache, so this warms a node as well.

${endpointsHelp}
SHOAL_USERNAME and SHOAL_PASSWORD are sent where the registry asks for credentials.`,

  async run(given, output) {
    const [raw] = positionalsOf(given.positionals, ['image']);
    const platform = platformOf(given);
    const endpoints = await endpointsOf(given);
    const image = parseImageName(raw, registryNames(endpoints));
    const registry = endpoints.agents[0]?.url ?? '';
    const progress = progressOn(process.stderr, !given.has('json'));
    const startedMs = performance.now();
    const pulled = await pullImage(image, { registry, headers: basicHeaders(), platform, progress }).finally(() =>
      progress.stop(),
    );
    const seconds = (performance.now() - startedMs) / 1000;
    const bytes = pulled.reduce((sum, { size }) => sum + size, 0);
    output.out(
      given.has('json')
        ? JSON.stringify({ image: image.text, agent: registry, bytes, seconds, verified: pulled }, undefined, 2)
        : `${image.text}: ${pulled.length} digests verified, ${formatBytes(bytes)} in ${seconds.toFixed(2)} s (${formatBytes(Math.round(bytes / seconds))}/s) through ${registry}`,
    );
    return 0;
  },
};

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

const platformOf = (given: ParsedArguments): Platform | undefined => {
  const raw = given.value('platform') ?? `linux/${architectures[process.arch] ?? process.arch}`;
  if (raw === 'all') return undefined;
  const [os, architecture, ...more] = raw.split('/');
  if (!os || !architecture || more.length > 0)
    throw new UsageError(
      `--platform: ${JSON.stringify(raw)} is not allowed; allowed is os/architecture such as linux/arm64, or all`,
    );
  return { os, architecture };
};
