import path from 'node:path';
import { findTool } from '../../support/external.ts';
import { run } from '../../support/run.ts';
import { type Candidate, type PullRequest, versionOf, writeLogin } from './client.ts';
import { debianSid, debianVersion } from './debian-sid.ts';
import { verifyLayout } from './layout.ts';

/** A client that knows no mirrors and writes an OCI layout. */
const layoutClient = (name: string, args: (reference: string, layout: string) => readonly string[]): Candidate => ({
  name,
  find: async () => {
    const installed = findTool(name);
    const command = installed ?? (await debianSid(name, `usr/bin/${name}`));
    if (typeof command === 'object') return command;
    return {
      name,
      version: installed === undefined ? await debianVersion(name) : await versionOf(command, ['version']),
      mirror: { none: `${name} knows no mirrors` },
      pull: async (request: PullRequest) => {
        const { reference, folder, timed } = request;
        const layout = path.join(folder, 'image');
        const env = { HOME: folder, ...(await writeLogin(request)) };
        await timed((signal) => run(command, args(reference, layout), { signal, env }));
        return verifyLayout(layout);
      },
    };
  },
});

export const crane = layoutClient('crane', (reference, layout) => [
  ...['pull', '--insecure', '--format', 'oci'],
  ...[reference, layout],
]);

export const oras = layoutClient('oras', (reference, layout) => [
  ...['copy', '--from-plain-http', '--no-tty', '--to-oci-layout'],
  ...[reference, `${layout}:1`],
]);

export const cosign = layoutClient('cosign', (reference, layout) => [
  ...['save', '--allow-http-registry', '--dir', layout],
  reference,
]);
