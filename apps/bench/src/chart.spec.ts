import { expect, test } from '@jest/globals';
import { drawChart } from './chart.ts';

const decades: [number, string][] = [1, 10, 100].map((value) => [value, String(value)]);

test('points lie where their axes say, linear and logarithmic', () => {
  const svg = drawChart({
    title: 'Cost & growth',
    x: { label: 'how many', scale: 'log', ticks: decades },
    y: {
      label: 'ms',
      scale: 'linear',
      ticks: [
        [0, '0'],
        [50, '50'],
        [100, '100'],
      ],
    },
    series: [
      {
        name: 'a < b',
        points: [
          [1, 0],
          [10, 50],
          [100, 100],
        ],
      },
    ],
  });
  const [, points = ''] = /<polyline [^>]*points="([^"]*)"/.exec(svg) ?? [];
  const [first, middle, last] = points.split(' ').map((point) => point.split(',').map(Number)) as [number, number][];
  expect(middle).toEqual([((first?.[0] ?? 0) + (last?.[0] ?? 0)) / 2, ((first?.[1] ?? 0) + (last?.[1] ?? 0)) / 2]);
  expect(last?.[1]).toBeLessThan(first?.[1] ?? 0);
  expect(svg).toContain('Cost &amp; growth');
  expect(svg).toContain('a &lt; b');
});
