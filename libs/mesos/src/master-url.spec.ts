import { expect, test } from '@jest/globals';
import { redirectTarget, schedulerUrl } from './master-url.ts';

test.each([
  ['http://m1:5050', 'http://m1:5050/api/v1/scheduler'],
  ['m1:5050', 'http://m1:5050/api/v1/scheduler'],
  ['https://proxy/mesos/', 'https://proxy/mesos/api/v1/scheduler'],
  ['http://[::1]:5050', 'http://[::1]:5050/api/v1/scheduler'],
])('calls for %s go to %s', (master, url) => {
  expect(schedulerUrl(master).href).toBe(url);
});

test.each([
  // Recorded: the leader's address, and what a GET is answered.
  ['http', '//127.0.0.1:5050/master/api/v1/scheduler', 'http://127.0.0.1:5050/master/api/v1/scheduler'],
  ['http', '//127.0.0.1:5050', 'http://127.0.0.1:5050/api/v1/scheduler'],
  ['https', '//m2:5050/master/api/v1/scheduler', 'https://m2:5050/master/api/v1/scheduler'],
  ['http', 'https://m2/api/v1/scheduler', 'https://m2/api/v1/scheduler'],
  ['https', 'http://m2/api/v1/scheduler', undefined],
  ['http', 'ftp://m2/', undefined],
  ['http', '//', undefined],
  ['http', undefined, undefined],
])('from %s a redirect to %j leads to %j', (scheme, location, target) => {
  expect(redirectTarget(schedulerUrl(`${scheme}://m1:5050`), location)?.href).toBe(target);
});
