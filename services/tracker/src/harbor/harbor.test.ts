import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { formatAddress } from '@shoal/core';
import { clusterAuth, clusterFetchJson, loadConfig } from '@shoal/service';
import { trackerConfig } from '../config.ts';
import { Tracker } from '../service.ts';
import { imageOfJob, pushesIn, pushesInWebhook } from './wanted.ts';

const secret = 'the secret of this cluster';
const password = 'what-harbor-knows';
const digest = `sha256:${'a'.repeat(64)}`;
const url = 'https://harbor.example.com/v2/library/nginx/manifests/1.27';

/** As Harbor 2.x marshals it: names in capitals, empty parts as null. */
const krakenEvent = (id: string, tag = '1.27') => ({
  Events: [
    {
      Id: id,
      TimeStamp: '2026-01-18T14:37:42.194082639Z',
      Action: 'push',
      Target: {
        MediaType: 'application/vnd.docker.distribution.manifest.v2+json',
        Digest: digest,
        Repository: 'library/nginx',
        Url: url,
        Tag: tag,
      },
      Request: null,
      Actor: null,
    },
  ],
});

const dragonflyJob = {
  type: 'preheat',
  args: {
    type: 'image',
    url,
    tag: '',
    filtered_query_params: '',
    headers: { Authorization: 'Bearer of harbor' },
    scope: '',
    concurrent_count: 0,
    timeout: 0,
  },
  scheduler_cluster_ids: null,
};

let tracker: Tracker;
let base: string;

before(async () => {
  const any = { port: 0 };
  const values = {
    cluster: { secret },
    harbor: { password },
    api: any,
    ui: any,
    admin: any,
    debug: any,
    heartbeat: { ttlMs: '5m' },
  };
  tracker = await Tracker.start(loadConfig(trackerConfig, { values }));
  base = `http://${formatAddress(tracker.addresses.api)}`;
});

after(() => tracker.stop());

interface Heard {
  readonly commands: readonly { readonly id: string; readonly kind: string; readonly image: string }[];
}

const beat = async (states: object[] = []): Promise<Heard> => {
  const peer = { peerId: '1'.repeat(40), incarnation: 1, address: '127.0.0.1:1', zone: '', role: 'agent' };
  const node = { name: 'one', labels: [], version: '0.1.0' };
  const json = { peer, swarms: 0, node, states };
  return (await clusterFetchJson(clusterAuth(secret), `${base}/shoal/v1/heartbeat`, {
    timeoutMs: 10_000,
    json,
  })) as Heard;
};

const harbor = async (path: string, json?: object, authorization = `Bearer ${password}`) => {
  const answer = await fetch(`${base}/harbor${path}`, {
    headers: { authorization, ...(json && { 'content-type': 'application/json' }) },
    ...(json && { method: 'POST', body: JSON.stringify(json) }),
  });
  return { status: answer.status, body: (await answer.json()) as { id: number; state: string; preheats: string[] } };
};

test('Harbor has images fetched as by Dragonfly, and hears how far they are', async () => {
  assert.equal((await harbor('/healthy')).status, 200);
  assert.equal((await harbor('/oapi/v1/jobs', dragonflyJob)).status, 404, 'there are no nodes');
  await beat();
  const begun = await harbor('/oapi/v1/jobs', dragonflyJob);
  assert.deepEqual([begun.status, begun.body.state, Number.isSafeInteger(begun.body.id)], [200, 'PENDING', true]);
  assert.equal((await harbor('/oapi/v1/jobs', dragonflyJob)).body.id, begun.body.id, 'the same job');
  const [command] = (await beat()).commands;
  assert.deepEqual([command?.kind, command?.image], ['preheat', 'harbor.example.com/library/nginx:1.27']);
  const state = async () => (await harbor(`/oapi/v1/jobs/${begun.body.id}`)).body;
  await beat([{ id: command?.id, state: 'failed', detail: 'no such image' }]);
  assert.deepEqual(
    [(await state()).state, JSON.stringify(await state()).includes('one: no such image')],
    ['FAILURE', true],
  );
  const again = await harbor('/oapi/v1/jobs', dragonflyJob);
  assert.notEqual(again.body.id, begun.body.id, 'what has failed is tried again');
  await beat([{ id: `harbor-${again.body.id}`, state: 'done', bytes: 7 }]);
  assert.equal((await harbor(`/oapi/v1/jobs/${again.body.id}`)).body.state, 'SUCCESS');
  assert.equal((await harbor('/oapi/v1/jobs/1')).status, 404);
});

test('Harbor has images fetched as by Kraken, by its webhook, and once', async () => {
  await beat();
  assert.equal((await harbor('/health')).status, 200);
  const basic = `Basic ${Buffer.from(`harbor:${password}`).toString('base64')}`;
  const first = await harbor('/registry/notifications', krakenEvent('a', '2.0'), basic);
  assert.equal(first.body.preheats.length, 1);
  assert.deepEqual((await harbor('/registry/notifications', krakenEvent('b', '2.0'))).body, first.body);
  const resource = { digest, tag: '2.0', resource_url: 'harbor.example.com/library/nginx:2.0' };
  const webhook = await harbor('/webhook', { type: 'PUSH_ARTIFACT', event_data: { resources: [resource] } });
  assert.deepEqual(webhook.body, first.body);
});

test('nobody without the password, and with it nothing of the cluster', async () => {
  for (const authorization of ['', 'Bearer wrong', `Basic ${Buffer.from(`harbor:${secret}`).toString('base64')}`])
    assert.equal((await harbor('/oapi/v1/jobs', dragonflyJob, authorization)).status, 401, authorization);
  const headers = { authorization: `Bearer ${password}` };
  assert.equal((await fetch(`${base}/shoal/v1/nodes`, { headers })).status, 401);
  assert.equal((await harbor('/oapi/v1/jobs', { type: 'preheat' })).status, 400);
});

test('images are read of what Harbor and registries send', () => {
  const small = { events: [{ action: 'push', target: { digest, repository: 'library/nginx', url, tag: '1.27' } }] };
  for (const body of [small, krakenEvent('a')])
    assert.deepEqual(pushesIn(body, undefined), [{ image: 'harbor.example.com/library/nginx:1.27', digest }]);
  assert.deepEqual(
    pushesIn(
      {
        events: [
          { action: 'pull', target: { url, tag: '1' } },
          { action: 'push', target: { url } },
        ],
      },
      undefined,
    ),
    [],
  );
  const byDigest = { type: 'preheat', args: { type: 'image', url: url.replace('1.27', digest) } };
  assert.equal(imageOfJob(byDigest, 'mirror:8443').image, `mirror:8443/library/nginx@${digest}`);
  assert.throws(
    () => imageOfJob({ type: 'preheat', args: { type: 'image', url: 'https://x/' } }, undefined),
    /args\.url/,
  );
  assert.deepEqual(pushesInWebhook({ type: 'DELETE_ARTIFACT' }, undefined), []);
});
