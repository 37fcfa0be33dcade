import { expect, test } from '@jest/globals';
import type { StatusAnswer } from '@juice/contracts';
import { rowsOfStatus } from './status-rows.ts';

const at = '2026-01-31T09:30:00.000Z';
type Processes = NonNullable<StatusAnswer['processes']>;
type Process = NonNullable<Processes['processes']>[number];

function statusWith(changes: Partial<StatusAnswer> = {}): StatusAnswer {
  const api = { host: 'api-1', since: at, version: '1.2.0', node: 'v24.0.0' };
  return { asOf: at, api, scheduler: {}, queues: {}, callbacks: {}, endpoints: {}, switches: {}, ...changes };
}

function processOf(service: Process['service'], host: string, version = '1.2.0'): Process {
  return { service, host, version, node: 'v24.0.0', since: at, seenAt: at };
}

/** What is told of the processes, by service. */
function told(processes?: Processes): Readonly<Record<string, unknown>> {
  const rows = rowsOfStatus(statusWith(processes === undefined ? {} : { processes }));
  return Object.fromEntries(rows.filter(({ part }) => part === 'processes').map(({ what, is }) => [what, is]));
}

test('processes are a line for each service: how many, and which version is where', () => {
  const processes = [
    processOf('api', 'a.example'),
    processOf('api', 'a.example'),
    processOf('api', 'b.example'),
    processOf('callback', 'a.example', '1.1.0'),
    processOf('callback', 'b.example', '1.2.0'),
  ];
  expect(told({ count: 5, processes })).toEqual({
    api: '3: 1.2.0 on a.example (2), b.example',
    callback: '2: 1.1.0 on a.example; 1.2.0 on b.example',
    scheduler: 'none',
  });
});

test('many hosts do not fill the screen, and a list that was cut says so', () => {
  const processes = Array.from({ length: 13 }, (_, n) => processOf('api', `h${n}`));
  expect(told({ count: 40, processes })).toEqual({
    all: '40, of which 13 are listed',
    api: '13: 1.2.0 on h0, h1, h2, h3, h4, h5, h6, h7, h8, h9, 3 more',
  });
});

test('when they cannot be asked, that is told', () => {
  expect(told({ problem: 'mongodb is down' })).toEqual({ problem: 'mongodb is down' });
});

test('the version of the api that answers is told', () => {
  const answers = rowsOfStatus(statusWith()).find(({ what }) => what === 'answers');
  expect(answers?.is).toBe(`api-1, since ${at}, version 1.2.0, Node v24.0.0`);
});

test('an older service tells neither processes nor its version', () => {
  expect(told()).toEqual({});
  const old = rowsOfStatus(statusWith({ api: { host: 'api-1', since: at, node: 'v20.19.0' } }));
  expect(old.map(({ part, is }) => [part, is])).toEqual([
    ['api', at],
    ['api', `api-1, since ${at}, Node v20.19.0`],
  ]);
});
