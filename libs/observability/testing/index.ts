export { startCollector, type Collector, type CollectedSpan } from './collector.ts';
