import { describe, expect, test } from '@jest/globals';
import { scenarioNames } from '@juice/mesos/testing';
import { replay, type ReplayOptions } from '../../testing/replay-conversation.ts';

/** Health checks are not carried out here. */
const leftOut = ['health-check-fails', 'operator-views'];

/** What the recorded cluster suffered, as the notes in the recordings tell. */
const circumstances: Readonly<Record<string, ReplayOptions>> = {
  'agent-drained': { interventions: [{ t: 428, fault: { kind: 'agent.drained', index: 1 } }] },
  'agent-marked-gone': { interventions: [{ t: 363, fault: { kind: 'agent.gone', index: 1 } }] },
  'agent-unregisters': { interventions: [{ t: 401, fault: { kind: 'agent.unregistered', index: 0 } }] },
  'agent-unreachable-and-back': {
    interventions: [
      { t: 439, fault: { kind: 'agent.lost', index: 0, noticeAfterMs: 3250 } },
      { t: 6800, fault: { kind: 'agent.returned', index: 0 } },
    ],
  },
  'framework-failed-over': { interventions: [{ t: 305, rivalSubscribes: true }] },
  'framework-removed-resubscribe': { completed: ['105388b0-57f0-4a11-baad-9d747a60c7a3-0009'] },
  'master-restarts': {
    interventions: [
      {
        t: 410,
        fault: {
          kind: 'master.restarted',
          masterId: '1a9c3c78-8929-4766-8afc-19cf78636234',
          recoverMs: 200,
          agentsBackMs: 3300,
        },
      },
    ],
  },
  'offer-rescinded': { offerTimeoutMs: 3000 },
};

describe('a recorded conversation is the same with the stand-in', () => {
  test.each(scenarioNames.filter((name) => !leftOut.includes(name)))('%s', (name) => {
    const { told, expected, answers, expectedAnswers, offered, expectedOffered } = replay(name, circumstances[name]);
    // Two tasks that start side by side: each in its own order.
    const arranged = name === 'launch-invalid' ? byTask : (events: readonly unknown[]) => events;
    expect(arranged(told)).toEqual(arranged(expected));
    expect(answers).toEqual(expectedAnswers);
    expect(offered).toEqual(expectedOffered);
  });

  test('offers stop and come again exactly when they did', () => {
    const { offersTold, offersExpected } = replay('offers-decline-suppress-revive');
    expect(offersTold).toBe(offersExpected);
  });
});

function byTask(events: readonly unknown[]): unknown[] {
  const taskOf = (event: unknown): string => /"task_id":\{"value":"([^"]*)"/.exec(JSON.stringify(event))?.[1] ?? '';
  return [...events].sort((a, b) => taskOf(a).localeCompare(taskOf(b)));
}
