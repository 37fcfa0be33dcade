import { expect, test } from '@jest/globals';
import { mesosMasters } from './mesos-masters.ts';

test.each([
  ['http://m1:5050', ['http://m1:5050']],
  [' http://m1:5050, https://proxy/mesos ,', ['http://m1:5050', 'https://proxy/mesos']],
  ['zk://h1:2181,h2:2181/mesos', ['zk://h1:2181,h2:2181/mesos']],
  ['zk://juice:pa,ss@h1,h2/mesos', ['zk://juice:pa,ss@h1,h2/mesos']],
])('%s is read', (given, masters) => {
  expect(mesosMasters().parse(given)).toEqual(masters);
});

test.each([
  ',',
  'm1:5050',
  'ftp://m1',
  'http://',
  'zk://h1:2181',
  'zk://h1:0/mesos',
  'zk://h1/mesos,http://m1:5050',
  'http://m1:5050,zk://h1/mesos',
])('%s is refused', (given) => {
  expect(mesosMasters().safeParse(given).error?.issues[0]?.message).toMatch(/^must be http:/);
});

test.each([
  [
    'http://juice:s3cret@m1:5050',
    /^has credentials, which belong into JUICE_MESOS_PRINCIPAL and JUICE_MESOS_SECRET: must be/,
  ],
  ['http://m1:5050,http://juice@m2:5050', /JUICE_MESOS_PRINCIPAL/],
  ['http://m1:5050/?leader', /^has a query or a fragment: must be/],
  ['http://m1:5050/api/v1/scheduler', /^has the path of the API, which is added to it: must be/],
])('%s is refused, with what is wrong', (given, problem) => {
  expect(mesosMasters().safeParse(given).error?.issues[0]?.message).toMatch(problem);
});
