import type { Report } from './report.ts';
import type { World } from './world.ts';

const [width, height, left, top] = [760, 190, 60, 44];
const mapTop = top + height + 46;
/** Columns of the heat map: more are not told apart. */
const columnsMax = 190;

/** The completion curve and, under it, which part of the blobs had spread how far at what time: an SVG document. */
export const plot = (report: Report, world: World): string => {
  const { timeline, agents } = world;
  const availability = timeline.availability();
  const endMs = Math.max(1, availability.length * timeline.columnMs);
  const x = (ms: number): number => left + (ms / endMs) * width;
  const doneMs = agents
    .flatMap((agent) => (agent.doneMs === undefined ? [] : [agent.doneMs]))
    .toSorted((a, b) => a - b);
  const nodes = doneMs.map((ms, index) => [x(ms), top + height * (1 - (index + 1) / agents.length)] as const);
  const bytes = availability.map(
    (rows, column) => [x((column + 1) * timeline.columnMs), top + height * (1 - mean(rows))] as const,
  );
  const total = mapTop + height + 40;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 20} ${total}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
<text x="${left}" y="18" font-size="14">${escape(report.scenario)}, seed ${report.seed}: makespan ${report.makespanS} s, ${report.makespanRatio} of the bound</text>
<text x="${left}" y="36"><tspan fill="#1f5fa8">nodes complete</tspan> <tspan fill="#c05a1c">bytes delivered</tspan></text>
${frame(top)}
${share(top, '100 %', '0')}
<line x1="${x(report.boundS * 1000).toFixed(1)}" x2="${x(report.boundS * 1000).toFixed(1)}" y1="${top}" y2="${top + height}" stroke="#888" stroke-dasharray="4 3"/>
${line([[left, top + height], ...bytes], '#c05a1c')}
${line([[left, top + height], ...nodes], '#1f5fa8')}
<text x="${left}" y="${mapTop - 8}">share of the copies of each part of the blob that exist, over time</text>
${heatMap(availability)}
${frame(mapTop)}
${share(mapTop, 'first', 'last')}
<text x="${left}" y="${mapTop + height + 18}">0 s</text>
<text x="${left + width}" y="${mapTop + height + 18}" text-anchor="end">${(endMs / 1000).toFixed(2)} s</text>
</svg>
`;
};

const heatMap = (availability: readonly (readonly number[])[]): string => {
  const step = Math.ceil(availability.length / columnsMax);
  const columns = availability.filter((_, column) => column % step === step - 1 || column === availability.length - 1);
  const cellWidth = width / columns.length;
  const cells: string[] = [];
  for (const [column, rows] of columns.entries()) {
    const cellHeight = height / rows.length;
    for (const [row, value] of rows.entries()) {
      const [cellX, cellY] = [(left + column * cellWidth).toFixed(1), (mapTop + row * cellHeight).toFixed(1)];
      cells.push(
        `<rect x="${cellX}" y="${cellY}" width="${(cellWidth + 0.3).toFixed(1)}" height="${(cellHeight + 0.3).toFixed(1)}" fill="${colour(value)}"/>`,
      );
    }
  }
  return cells.join('\n');
};

/** From white by blue to dark: readable in print too. */
const colour = (value: number): string => {
  const part = (from: number, to: number): number => Math.round(from + (to - from) * value);
  return `rgb(${part(250, 12)},${part(251, 44)},${part(253, 99)})`;
};

const frame = (y: number): string =>
  `<rect x="${left}" y="${y}" width="${width}" height="${height}" fill="none" stroke="#444"/>`;

const share = (y: number, above: string, below: string): string =>
  `<text x="${left - 6}" y="${y + 10}" text-anchor="end">${above}</text><text x="${left - 6}" y="${y + height}" text-anchor="end">${below}</text>`;

const line = (points: readonly (readonly [number, number])[], stroke: string): string =>
  `<polyline fill="none" stroke="${stroke}" stroke-width="1.5" points="${points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(' ')}"/>`;

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

const escape = (text: string): string => text.replace(/[<>&"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
