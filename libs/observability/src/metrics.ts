import { AggregatorRegistry, collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { InvariantBroken, productVersion } from '@juice/contracts';

export interface CounterMetric<Label extends string = never> {
  /** Adds one, or `by`. */
  add(labels?: Labels<Label>, by?: number): void;
}

export interface GaugeMetric<Label extends string = never> {
  set(value: number, labels?: Labels<Label>): void;
}

export interface HistogramMetric<Label extends string = never> {
  observe(value: number, labels?: Labels<Label>): void;
}

export type Labels<Label extends string> = Readonly<Record<Label, string | number>>;

/** Name with its unit (`juice_callback_attempt_duration_seconds`); label values from closed sets, never ids. */
export interface MetricFacts<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

/**
 * The metrics of one service in one process: a registry of its own (never prom-client's global one), so that several
 * services, and several tests, live side by side. A name is declared once; a second time is a bug (InvariantBroken).
 */
export interface Metrics {
  counter<Label extends string = never>(facts: MetricFacts<Label>): CounterMetric<Label>;
  /**
   * With `read`, the gauge is asked when it is scraped: for what is known anyway (backlog, age). With `readAll` it is asked for
   * every value it has then; what is no longer among them is gone.
   */
  gauge<Label extends string = never>(
    facts: MetricFacts<Label> & { read?: () => number; readAll?: () => Iterable<readonly [Labels<Label>, number]> },
  ): GaugeMetric<Label>;
  /** `buckets`: upper bounds, rising; durations in seconds have `durationBuckets` for a start. */
  histogram<Label extends string = never>(
    facts: MetricFacts<Label> & { buckets: readonly number[] },
  ): HistogramMetric<Label>;
  readonly contentType: string;
  /** Everything in Prometheus' text format, each sample labelled with the service. */
  text(): Promise<string>;
  readonly registry: Registry;
}

/** Seconds: from a cache's answer to a receiver's time-out. */
export const durationBuckets: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Which version it is of is among them. `processMetrics`: also CPU, memory, event-loop lag and garbage collection; for one service of a process. */
export function createMetrics(service: string, { processMetrics = false } = {}): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  if (processMetrics) collectDefaultMetrics({ register: registry });

  function base<Label extends string>({ name, help, labels = [] }: MetricFacts<Label>) {
    if (registry.getSingleMetric(name) !== undefined) throw new InvariantBroken(`metric ${name} is declared twice`);
    return { name, help, labelNames: [...labels] as Label[], registers: [registry] };
  }

  new Gauge({
    ...base({ name: 'juice_build_info', help: '1; the version of Juice and of Node', labels: ['version', 'node'] }),
  }).set({ version: productVersion, node: process.version }, 1);

  return {
    registry,
    contentType: registry.contentType,
    text: () => registry.metrics(),
    counter(facts) {
      const counter = new Counter(base(facts));
      return { add: (labels, by = 1) => (labels === undefined ? counter.inc(by) : counter.inc(labels, by)) };
    },
    gauge(facts) {
      const { read, readAll } = facts;
      const gauge: Gauge = new Gauge({
        ...base(facts),
        ...(read !== undefined && { collect: () => gauge.set(read()) }),
        ...(readAll !== undefined && {
          collect() {
            gauge.reset();
            for (const [labels, value] of readAll()) gauge.set(labels, value);
          },
        }),
      });
      return { set: (value, labels) => (labels === undefined ? gauge.set(value) : gauge.set(labels, value)) };
    },
    histogram(facts) {
      const histogram = new Histogram({ ...base(facts), buckets: [...facts.buckets] });
      return {
        observe: (value, labels) =>
          labels === undefined ? histogram.observe(value) : histogram.observe(labels, value),
      };
    },
  };
}

/** Several services' metrics as one text, for a process that runs them together: same names, told apart by `service`. */
export function joinMetrics(all: readonly Metrics[]): Pick<Metrics, 'contentType' | 'text'> {
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    async text() {
      const values = await Promise.all(all.map(({ registry }) => registry.getMetricsAsJSON()));
      return AggregatorRegistry.aggregate(values).metrics();
    },
  };
}
