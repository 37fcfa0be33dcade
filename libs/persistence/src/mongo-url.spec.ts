import { expect, test } from '@jest/globals';
import { mongoUrlProblem } from './mongo-url.ts';

test.each([
  ['mongodb://db/juice?bogus=1', /bogus/],
  ['mongodb://db/juice?tls=maybe', /tls/],
  ['mongodb+srv://db:27017/juice', /port/],
])('%s: what the driver would say when it connects is said before', (url, problem) => {
  expect(mongoUrlProblem(url)).toMatch(problem);
});

test.each([
  'mongodb://u:p%40@h1:1,h2/juice?replicaSet=r&authSource=admin',
  'mongodb://[::1]/',
  'mongodb+srv://db/juice',
])('%s is taken', (url) => expect(mongoUrlProblem(url)).toBeNull());
