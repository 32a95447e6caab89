import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { type Address, formatAddress } from '@shoal/core';
import { urlOf } from '../testing/world.ts';
import { basic, login, patient, privateName, privateWorld, statusOf, verify } from './testing/private-world.ts';

const dumped = async (address: Address, name: string): Promise<string> =>
  (await fetch(`${urlOf(address)}/debug/${name}`)).text();

/** Passes everything on to `target.address`, which may be told later, and keeps it. */
const wiretap = async () => {
  const heard: Buffer[] = [];
  const target: { address?: Address } = {};
  const sockets = new Set<net.Socket>();
  const server = net.createServer((near) => {
    const far = net.connect({ ...target.address! });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes: Buffer) => void heard.push(bytes));
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    target,
    heard: () => Buffer.concat(heard).toString('latin1'),
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};

test('what clients bring is in no log, metric or dump, and reaches neither tracker nor peers', async () => {
  await using pieces = await wiretap();
  await using tracker = await wiretap();
  await using w = await privateWorld(
    { auth: 'bearer' },
    { pieces: { port: 0, advertise: formatAddress(pieces.address) } },
  );
  pieces.target.address = w.world.origin.addresses.pieces;
  tracker.target.address = w.world.tracker.addresses.api;
  const image = w.fake.addImage('private/app', 'v1', [3_000_000]);
  const sections = {
    trackers: [`http://${formatAddress(tracker.address)}`],
    deadlines: patient,
    access: verify(w.fake),
  };
  const agent = await w.world.agent('a', sections, { log: w.log });
  const path = `/v2/${privateName}/manifests/v1`;
  const token = await login(agent, path, basic);
  for (const credentials of [token, basic, 'Bearer a-made-up-token']) {
    w.fake.tokens.secrets.push(credentials.replace(/^\w+ /, ''));
    await statusOf(agent, path, credentials);
    for (const layer of image.layers) await statusOf(agent, `/v2/${privateName}/blobs/${layer}`, credentials);
  }
  // And on the ways that are walked when something is broken.
  w.fake.misbehave = (_request, reply) => {
    reply.destroy();
    return true;
  };
  await statusOf(agent, `/v2/${privateName}/manifests/v2`, token);
  await statusOf(agent, `/v2/team/app/manifests/v2`, token);
  await statusOf(agent, '/shoal/v1/token?scope=repository:team/app:pull', basic);
  const told = await Promise.all(
    [agent.agent.addresses.admin, w.world.origin.addresses.admin, w.world.tracker.addresses.admin].map(
      async (address) => (await fetch(`${urlOf(address)}/metrics`)).text(),
    ),
  );
  const dumps = await Promise.all(['swarms', 'cache'].map((name) => dumped(agent.agent.addresses.debug, name)));
  await agent.stop();
  const places = {
    logs: w.logged(),
    tracker: tracker.heard(),
    pieces: pieces.heard(),
    metrics: told.join(''),
    debug: dumps.join(''),
  };
  for (const [place, text] of Object.entries(places)) {
    assert.ok(text.length > 100, `${place}: something was heard`);
    for (const secret of w.fake.tokens.secrets) assert.ok(!text.includes(secret), `${place}: ${secret}`);
  }
  assert.ok(places.pieces.length > 3_000_000);
});
