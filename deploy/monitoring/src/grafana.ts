/** One line, or set of lines, of a panel. */
export interface Query {
  /** PromQL; `$__rate_interval`, `$__range` and `$instance` are Grafana's to fill in. */
  readonly expr: string;
  /** Grafana's format of the name in the legend: `{{source}}`. */
  readonly legend?: string;
}

export interface Panel {
  readonly title: string;
  /** What it tells, and what to think of it. */
  readonly description: string;
  /** A line over time, or one number. */
  readonly kind: 'graph' | 'number';
  /** Of Grafana's units. */
  readonly unit: Unit;
  readonly queries: readonly Query[];
  readonly stacked?: boolean;
  /** From where on a number is bad; with `bad: 'low'` below it. */
  readonly threshold?: { readonly value: number; readonly bad: 'high' | 'low' };
}

export type Unit = 'short' | 'bytes' | 'Bps' | 's' | 'percentunit' | 'ops' | 'reqps';

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** A metric whose instances can be chosen among, as `$instance`. */
  readonly instancesOf?: string;
  readonly rows: readonly Row[];
}

export const graph = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'graph', ...panel });
export const number = (panel: Omit<Panel, 'kind'>): Panel => ({ kind: 'number', ...panel });

const columns = 24;
const sizes = { graph: { w: 8, h: 8 }, number: { w: 4, h: 4 } };
const datasource = { type: 'prometheus', uid: '${datasource}' };

/** The JSON model that Grafana imports. Source: Grafana, "Dashboard JSON model", schema version 39. */
export const toGrafana = ({ uid, title, description, instancesOf, rows }: Dashboard): object => ({
  uid,
  title: `Shoal / ${title}`,
  description,
  tags: ['shoal'],
  schemaVersion: 39,
  version: 1,
  editable: true,
  graphTooltip: 1,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  timezone: '',
  links: [{ type: 'dashboards', title: 'Shoal', tags: ['shoal'], asDropdown: true, keepTime: true }],
  annotations: { list: [] },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {} },
      ...(instancesOf === undefined ? [] : [instanceVariable(instancesOf)]),
    ],
  },
  panels: layOut(rows),
});

const instanceVariable = (metric: string): object => ({
  name: 'instance',
  label: 'Instance',
  type: 'query',
  datasource,
  query: { query: `label_values(${metric}, instance)`, refId: 'instance' },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
});

/** Panels from left to right under the heading of their row, as many beside each other as have room. */
const layOut = (rows: readonly Row[]): object[] => {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, gridPos: { x: 0, y, w: columns, h: 1 } });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of row.panels) {
      const { w, h } = sizes[panel.kind];
      if (x + w > columns) [x, y, height] = [0, y + height, 0];
      panels.push({ id: panels.length + 1, gridPos: { x, y, w, h }, ...panelModel(panel) });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return panels;
};

const panelModel = ({ title, description, kind, unit, queries, stacked = false, threshold }: Panel): object => ({
  title,
  description,
  type: kind === 'graph' ? 'timeseries' : 'stat',
  datasource,
  targets: queries.map(({ expr, legend = '' }, index) => ({
    refId: `Q${index + 1}`,
    datasource,
    expr,
    legendFormat: legend,
    ...(kind === 'number' && { instant: true }),
  })),
  fieldConfig: {
    defaults: {
      unit,
      min: 0,
      ...(threshold && { thresholds: steps(threshold) }),
      ...(kind === 'graph' && {
        custom: { fillOpacity: stacked ? 30 : 8, stacking: { mode: stacked ? 'normal' : 'none' }, showPoints: 'never' },
      }),
    },
    overrides: [],
  },
  options:
    kind === 'graph'
      ? { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } }
      : { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: threshold ? 'value' : 'none', graphMode: 'none' },
});

const steps = ({ value, bad }: NonNullable<Panel['threshold']>): object => ({
  mode: 'absolute',
  steps: [
    { color: bad === 'low' ? 'red' : 'green', value: null },
    { color: bad === 'low' ? 'green' : 'red', value },
  ],
});
