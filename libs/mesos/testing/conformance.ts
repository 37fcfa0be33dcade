import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { testMs } from './conformance-session.ts';
import { observeFramework, type ObservedFramework } from './observed-framework.ts';
import { describeSubscriptions } from './subscription-conformance.ts';
import { describeTasks } from './task-conformance.ts';

/** A master with at least one agent that has room for half a CPU, can run shell commands, and is used by nobody else. */
export interface ClusterUnderTest {
  /** Base URL of the leading master. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * The behaviour a scheduler builds on, as recorded from a real master, over HTTP against any master. Call it inside a
 * `describe`; the cluster is made once. Waits for events only, never for time to pass.
 */
export function mesosConformance(make: () => Promise<ClusterUnderTest>): void {
  let cluster: ClusterUnderTest;
  const frameworks: ObservedFramework[] = [];
  const session = {
    url: () => cluster.url,
    async subscribe(options = {}) {
      const framework = await observeFramework(cluster.url, options);
      frameworks.push(framework);
      return framework;
    },
  };

  beforeAll(async () => {
    cluster = await make();
  }, testMs);
  afterAll(() => cluster.stop(), testMs);
  afterEach(async () => {
    for (const framework of frameworks.splice(0)) {
      await framework.call({ type: 'TEARDOWN' });
      framework.subscription.close();
    }
  }, testMs);

  describeTasks(session);
  describeSubscriptions(session);
}
