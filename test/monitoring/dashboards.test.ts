import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { dashboardFiles, dashboardsFolder } from '../../deploy/monitoring/src/dashboards.ts';
import { emitted, metricsIn } from './promql.ts';

interface Place {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

interface PanelModel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: Place;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

interface DashboardModel {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly PanelModel[];
}

const files = readdirSync(dashboardsFolder).filter((name) => name.endsWith('.json'));
const loaded = files.map(
  (name) => JSON.parse(readFileSync(path.join(dashboardsFolder, name), 'utf8')) as DashboardModel,
);

const overlap = (a: Place, b: Place): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

test('the dashboards are what `npm run docs` writes', () => {
  const written = dashboardFiles();
  assert.deepEqual(
    files.toSorted((a, b) => a.localeCompare(b)),
    [...written.keys()].toSorted((a, b) => a.localeCompare(b)),
  );
  for (const [name, text] of written)
    assert.equal(readFileSync(path.join(dashboardsFolder, name), 'utf8'), text, `${name} is out of date: npm run docs`);
});

test('every query reads a metric that is emitted', () => {
  for (const { title, panels } of loaded) {
    for (const { title: panel, targets = [] } of panels) {
      for (const { expr } of targets) {
        const names = metricsIn(expr).filter((name) => name !== 'ALERTS');
        assert.deepEqual(
          names.filter((name) => !emitted.has(name)),
          [],
          `${title}, ${panel}: nobody emits`,
        );
        assert.ok(names.length > 0 || expr.includes('ALERTS'), `${title}, ${panel} reads nothing`);
      }
    }
  }
});

test('every panel has a place of its own, and says what it tells', () => {
  for (const { title, panels } of loaded) {
    assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length, `${title}: two panels of one id`);
    for (const [index, panel] of panels.entries()) {
      const { gridPos } = panel;
      assert.ok(gridPos.x >= 0 && gridPos.x + gridPos.w <= 24, `${title}, ${panel.title}: outside the 24 columns`);
      const under = panels.slice(0, index).find((other) => overlap(gridPos, other.gridPos));
      assert.equal(under, undefined, `${title}: ${panel.title} lies over ${under?.title}`);
      if (panel.type !== 'row') assert.ok(panel.description && panel.targets?.length, `${title}, ${panel.title}`);
    }
  }
});
