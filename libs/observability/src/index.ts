export { createLogger, logLevels, type Log, type LogFields, type LogLevel } from './log.ts';
export {
  createMetrics,
  durationBuckets,
  joinMetrics,
  type CounterMetric,
  type GaugeMetric,
  type HistogramMetric,
  type Labels,
  type MetricFacts,
  type Metrics,
} from './metrics.ts';
export { createTracing, noTracing, type SpanFacts, type Tracing, type TracingSettings } from './tracing.ts';
export { beginTraceparent, childTraceparent, parseTraceparent, traceIdOf, type TraceContext } from './trace-context.ts';
