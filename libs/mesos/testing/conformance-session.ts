import type { ContentType } from '../src/index.ts';
import type { ObservedFramework } from './observed-framework.ts';

/** What a conformance test works with. Every framework it subscribes is torn down after it. */
export interface ConformanceSession {
  url(): string;
  subscribe(options?: { contentType?: ContentType; id?: string }): Promise<ObservedFramework>;
}

/** Each step waits for a minute at most; the longest test has a dozen quick ones. */
export const testMs = 180_000;
