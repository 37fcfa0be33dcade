/** A chart of lines as SVG: for the documentation, readable on light and dark pages. */

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
  /** Where a line is drawn across, and what is written there. */
  readonly ticks: readonly (readonly [number, string])[];
}

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Chart {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
}

const width = 760;
const height = 420;
const plot = { left: 70, right: width - 150, top: 40, bottom: height - 50 };
/** Told apart by people who do not see red and green as well (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];

export function drawChart({ title, x, y, series }: Chart): string {
  const toX = placer(x, plot.left, plot.right);
  const toY = placer(y, plot.bottom, plot.top);
  const parts = [
    text({ x: plot.left, y: 22, anchor: 'start', bold: true }, title),
    ...x.ticks.flatMap(([value, words]) => [
      line([toX(value), plot.top, toX(value), plot.bottom]),
      text({ x: toX(value), y: plot.bottom + 18, anchor: 'middle' }, words),
    ]),
    ...y.ticks.flatMap(([value, words]) => [
      line([plot.left, toY(value), plot.right, toY(value)]),
      text({ x: plot.left - 8, y: toY(value) + 4, anchor: 'end' }, words),
    ]),
    text({ x: (plot.left + plot.right) / 2, y: height - 10, anchor: 'middle' }, x.label),
    `<g transform="rotate(-90 16 ${height / 2})">${text({ x: 16, y: height / 2, anchor: 'middle' }, y.label)}</g>`,
    ...series.flatMap(({ name, points }, at) => {
      const colour = colours[at % colours.length] as string;
      const path = points.map(([px, py]) => `${round(toX(px))},${round(toY(py))}`).join(' ');
      const legendY = plot.top + 14 + at * 20;
      return [
        `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${path}"/>`,
        `<line x1="${plot.right + 12}" y1="${legendY - 4}" x2="${plot.right + 32}" y2="${legendY - 4}" stroke="${colour}" stroke-width="3"/>`,
        text({ x: plot.right + 38, y: legendY, anchor: 'start' }, name),
      ];
    }),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function placer({ scale, ticks }: Axis, from: number, to: number): (value: number) => number {
  const of = scale === 'log' ? Math.log10 : (value: number): number => value;
  const values = ticks.map(([value]) => of(value));
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return (value) => from + ((of(value) - least) / (most - least)) * (to - from);
}

function line([x1, y1, x2, y2]: readonly [number, number, number, number]): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" stroke="#dddddd"/>`;
}

function text(
  at: { readonly x: number; readonly y: number; readonly anchor: string; readonly bold?: boolean },
  words: string,
): string {
  const weight = at.bold === true ? ' font-weight="bold"' : '';
  const safe = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(at.x)}" y="${round(at.y)}" text-anchor="${at.anchor}" fill="#333333"${weight}>${safe}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
