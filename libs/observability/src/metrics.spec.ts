import { describe, expect, test } from '@jest/globals';
import { productVersion } from '@juice/contracts';
import { createMetrics, durationBuckets, joinMetrics } from './metrics.ts';

describe('createMetrics', () => {
  test('counts, measures and observes, labelled with the service', async () => {
    const metrics = createMetrics('api');
    const answered = metrics.counter({ name: 'juice_answers_total', help: 'Answers.', labels: ['outcome'] });
    const plain = metrics.counter({ name: 'juice_plain_total', help: 'Plain.' });
    const depth = metrics.gauge({ name: 'juice_depth', help: 'Depth.' });
    metrics.gauge({ name: 'juice_age_seconds', help: 'Age.', read: () => 42 });
    const took = metrics.histogram({
      name: 'juice_took_seconds',
      help: 'Took.',
      labels: ['outcome'],
      buckets: durationBuckets,
    });
    answered.add({ outcome: 'ok' });
    answered.add({ outcome: 'ok' }, 2);
    plain.add();
    depth.set(3);
    took.observe(0.2, { outcome: 'ok' });
    const text = await metrics.text();
    expect(text).toContain('juice_answers_total{outcome="ok",service="api"} 3');
    expect(text).toContain('juice_plain_total{service="api"} 1');
    expect(text).toContain('juice_depth{service="api"} 3');
    expect(text).toContain('juice_age_seconds{service="api"} 42');
    expect(text).toContain('juice_took_seconds_bucket{le="0.25",service="api",outcome="ok"} 1');
    expect(text).not.toContain('process_cpu');
  });

  test('tells which version of the product and of Node it is', async () => {
    const { version: node } = process;
    const labels = `version="${productVersion}",node="${node}"`;
    expect(await createMetrics('api').text()).toContain(`juice_build_info{${labels},service="api"} 1`);
    const joined = await joinMetrics(['api', 'callback'].map((service) => createMetrics(service))).text();
    for (const service of ['api', 'callback'])
      expect(joined).toMatch(new RegExp(`juice_build_info\\{[^}]*service="${service}"[^}]*\\} 1\n`));
  });

  test('a name is declared once', () => {
    const metrics = createMetrics('api');
    metrics.counter({ name: 'juice_x_total', help: 'X.' });
    expect(() => metrics.gauge({ name: 'juice_x_total', help: 'X.' })).toThrow(
      expect.objectContaining({ code: 'INVARIANT_BROKEN' }),
    );
  });

  test('services live side by side and can be told as one', async () => {
    const all = ['api', 'callback'].map((service) => createMetrics(service));
    for (const metrics of all) {
      metrics.counter({ name: 'juice_x_total', help: 'X.' }).add();
      metrics.histogram({ name: 'juice_h_seconds', help: 'H.', buckets: [1] }).observe(2);
    }
    const text = await joinMetrics(all).text();
    expect(text).toContain('juice_x_total{service="api"} 1');
    expect(text).toContain('juice_x_total{service="callback"} 1');
    expect(text).toMatch(/juice_h_seconds_sum\{service="callback"\} 2/);
    expect(text.match(/# TYPE juice_x_total/g)).toHaveLength(1);
  });
});
