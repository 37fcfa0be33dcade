import { expect, test } from '@jest/globals';
import { parseZooKeeperUrl } from './zookeeper-url.ts';

test('is read as Mesos writes it', () => {
  expect(parseZooKeeperUrl('zk://h1:2181,h2:2182/mesos')).toEqual({
    servers: [
      { host: 'h1', port: 2181 },
      { host: 'h2', port: 2182 },
    ],
    auth: null,
    path: '/mesos',
    shown: 'zk://h1:2181,h2:2182/mesos',
  });
});

test('may have credentials, in which nothing but a slash ends them', () => {
  expect(parseZooKeeperUrl('zk://juice:p@ss:word@h1:2181/mesos')).toMatchObject({
    auth: 'juice:p@ss:word',
    servers: [{ host: 'h1', port: 2181 }],
    shown: 'zk://h1:2181/mesos',
  });
});

test('has defaults and forms of its own', () => {
  expect(parseZooKeeperUrl('zk://h1,[::1]:2182/a/b/')).toMatchObject({
    servers: [
      { host: 'h1', port: 2181 },
      { host: '::1', port: 2182 },
    ],
    path: '/a/b',
  });
});

test.each([
  'zk://h1:2181',
  'zk://h1:2181/',
  'zk:///mesos',
  'zk://h1:0/mesos',
  'zk://h1:2181,/mesos',
  'zk://h1:port/mesos',
  'zk://secret@h1/mesos',
  'http://h1/mesos',
])('%s is refused, and not repeated', (url) => {
  expect(() => parseZooKeeperUrl(url)).toThrow(expect.objectContaining({ code: 'INVARIANT_BROKEN' }));
  expect(() => parseZooKeeperUrl(url)).not.toThrow(/secret/);
});
