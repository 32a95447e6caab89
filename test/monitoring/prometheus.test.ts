import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { dashboards } from '../../deploy/monitoring/src/dashboards.ts';
import { testCluster } from '../support/cluster.ts';
import { requireTool } from '../support/external.ts';
import { Prometheus } from '../support/prometheus.ts';
import { FakeUpstream } from '../support/upstream/fake-upstream.ts';

const rules = path.join(import.meta.dirname, '../../deploy/monitoring/rules/shoal.yml');

/** What Grafana fills in. */
const filledIn = (expression: string): string =>
  expression.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '5m').replaceAll('$instance', '.*');

test(
  'every panel of every dashboard shows data of a real cluster that pulls',
  { skip: requireTool('prometheus'), timeout: 240_000 },
  async (t) => {
    await using upstream = await FakeUpstream.start();
    upstream.headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '70;w=21600' };
    const { digest: manifestDigest } = upstream.addImage('team/other', '1', [2 * MiB]);
    const registries = [{ host: 'registry.example.com', url: upstream.url, insecure: true }];
    await using world = await testCluster({ agents: 3, overrides: { origin: { upstreams: { registries } } } });
    const { origin, trackers, agents } = world.cluster;
    const targets = (nodes: readonly ClusterNode[]): string[] =>
      nodes.map(({ metricsUrl }) => new URL(metricsUrl).host);
    await using prometheus = await Prometheus.start(
      { 'shoal-origin': targets([origin]), 'shoal-tracker': targets(trackers), 'shoal-agent': targets(agents) },
      [rules],
    );
    await prometheus.scraped(2);

    // Large enough for the agents to find each other before the origin has given each of them all.
    const layers = planLayers(96 * MiB, 3);
    const pushed = await pushImage(origin.url, { repository: 'team/app', tag: '1', layers, seed: 'metrics' });
    const other = { repository: 'registry.example.com/team/other', tag: '1', manifestDigest };
    for (const image of [pushed, other]) {
      const pulls = agents.map(({ url }) => pullImage(url, image, { received: () => {} }));
      assert.deepEqual(
        (await Promise.all(pulls)).flatMap(({ mismatches }) => mismatches),
        [],
      );
    }
    // A series that appears with the pull has a rate after its second scrape.
    await prometheus.scraped(3);

    for (const { title, rows } of dashboards) {
      await t.test(title, async () => {
        for (const { title: panel, queries } of rows.flatMap((row) => row.panels)) {
          for (const { expr } of queries) {
            const series = await prometheus.query(filledIn(expr));
            assert.ok(
              series.some(({ value }) => Number.isFinite(value)),
              `${panel}: no data for ${expr}`,
            );
          }
        }
      });
    }
    await t.test('the figures are those of the pull', async () => {
      const [share] = await prometheus.query('shoal:peer_share:ratio_rate5m');
      assert.ok(share && share.value > 0 && share.value < 1, `peers gave ${share?.value}`);
      const [fetched] = await prometheus.query('sum(shoal_origin_upstream_received_bytes_total)');
      assert.ok(fetched && fetched.value >= 2 * MiB, `the upstream gave ${fetched?.value}`);
      const firing = await prometheus.query('ALERTS{alertstate="firing"}');
      assert.deepEqual(
        firing.map(({ metric }) => metric['alertname']),
        [],
      );
    });
    assert.deepEqual(world.deaths, []);
  },
);
