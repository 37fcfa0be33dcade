import { describe, expect, test } from '@jest/globals';
import { loadJson } from '../../testing/recordings.ts';
import { leadingZnode, masterUrlOf } from './master-znode.ts';

const { steps } = loadJson('two-masters-zookeeper') as {
  readonly steps: readonly { readonly children?: string; readonly data?: string }[];
};

describe('the znode that leads', () => {
  test('is the first in each recorded list', () => {
    const lists = steps.flatMap(({ children }) => (children === undefined ? [] : [children.slice(1, -1).split(', ')]));
    expect(lists.map(leadingZnode)).toEqual(['json.info_0000000000', 'json.info_0000000001', 'json.info_0000000001']);
  });

  test('is the lowest in number, in whatever order they come', () => {
    expect(leadingZnode(['json.info_0000000012', 'json.info_0000000009', 'json.info_1000000000'])).toBe(
      'json.info_0000000009',
    );
  });

  test('is never one that is no master’s', () => {
    expect(leadingZnode(['log_replicas', 'info_0000000001', 'json.info_', 'json.info_1x'])).toBeNull();
    expect(leadingZnode(['log_replicas', 'json.info_0000000007', 'info_0000000001'])).toBe('json.info_0000000007');
    expect(leadingZnode([])).toBeNull();
  });
});

describe('the URL of a master', () => {
  const urlOf = (info: unknown): string => masterUrlOf('/mesos/json.info_1', Buffer.from(JSON.stringify(info)));

  test('is the address as recorded, not the host name that need not resolve', () => {
    const data = steps.flatMap((step) => (step.data === undefined ? [] : [Buffer.from(step.data)]));
    expect(data.map((each) => masterUrlOf('/mesos/json.info_1', each))).toEqual([
      'http://127.0.0.1:5050',
      'http://127.0.0.1:5060',
    ]);
  });

  test.each([
    [{ address: { hostname: 'm1', port: 5050 }, ip: 16_777_226, port: 1 }, 'http://m1:5050'],
    [{ address: { ip: '::1', port: 5050 } }, 'http://[::1]:5050'],
    [{ hostname: 'm1', ip: 16_777_226, port: 5050 }, 'http://m1:5050'],
    [{ ip: 16_777_226, port: 5050 }, 'http://10.0.0.1:5050'],
    [{ ip: 3_232_235_777, port: 5050 }, 'http://1.1.168.192:5050'],
  ])('of %j is %s', (info, url) => {
    expect(urlOf(info)).toBe(url);
  });

  test.each([
    null,
    7,
    [],
    {},
    { address: { ip: '10.0.0.1' } },
    { hostname: 'm 1', port: 5050 },
    { ip: 1, port: 70_000 },
  ])('cannot be read from %j, and the error names the znode', (info) => {
    expect(() => urlOf(info)).toThrow(
      expect.objectContaining({
        code: 'PROTOCOL_VIOLATION',
        message: expect.stringContaining('/mesos/json.info_1 does not hold a MasterInfo'),
      }),
    );
  });
});
