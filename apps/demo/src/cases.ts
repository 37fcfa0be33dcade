import { TaskState } from '@juice/contracts';
import type { ReceivedCallback, TaskView } from '@juice/trial';

/** One task of the demo and what is expected of it. */
export interface Case {
  readonly title: string;
  readonly task: Readonly<Record<string, unknown>>;
  readonly killWhenRunning?: boolean;
  /** How it may end: with one of these states, a message that matches, and these callbacks in order. */
  readonly expected: readonly {
    readonly status: TaskState;
    readonly message: RegExp;
    readonly callbacks: readonly string[];
  }[];
}

const env = { name: 'environment', value: 'dev' };

export const cases: readonly Case[] = [
  {
    title: 'a command',
    task: { taskName: 'demo-commands', env, commands: 'echo "running in $environment"; sleep 1' },
    expected: [
      { status: TaskState.FINISHED, message: /^Command exited with status 0$/, callbacks: ['RUNNING', 'FINISHED'] },
    ],
  },
  {
    title: 'a program, its arguments',
    task: {
      taskName: 'demo-arguments',
      commands: ['/bin/sh', '-c', 'sleep 0.5; test "$1" = "two words"', 'check', 'two words'],
      labels: { shown: 'in its entry' },
    },
    expected: [
      { status: TaskState.FINISHED, message: /^Command exited with status 0$/, callbacks: ['RUNNING', 'FINISHED'] },
    ],
  },
  {
    title: 'one that fails',
    task: { taskName: 'demo-fails', commands: 'sleep 0.5; exit 3' },
    expected: [
      { status: TaskState.FAILED, message: /^Command exited with status 3$/, callbacks: ['RUNNING', 'FAILED'] },
    ],
  },
  {
    title: 'one killed while running',
    task: { taskName: 'demo-killed', commands: 'sleep 300' },
    killWhenRunning: true,
    expected: [
      {
        status: TaskState.KILLED,
        message: /^Command terminated with signal Terminated$/,
        callbacks: ['RUNNING', 'KILLED'],
      },
    ],
  },
  {
    title: 'a container',
    task: {
      taskName: 'demo-container',
      env,
      args: ['true'],
      container: { docker: { image: 'debian:stable-slim' }, type: 'DOCKER' },
    },
    expected: [
      { status: TaskState.FINISHED, message: /^Container exited with status 0$/, callbacks: ['RUNNING', 'FINISHED'] },
      // On a machine without docker or podman the failure says so.
      { status: TaskState.FAILED, message: /container runtime/i, callbacks: ['FAILED'] },
    ],
  },
];

/** What is otherwise than expected; nothing when all is well. */
export function judge(one: Case, task: TaskView, callbacks: readonly ReceivedCallback[]): string[] {
  const results = callbacks.map(({ result }) => result);
  const isExpected = one.expected.some(
    ({ status, message, callbacks: wanted }) =>
      task.taskStatus === status && message.test(task.message) && results.join() === wanted.join(),
  );
  const problems = isExpected ? [] : [`ended ${task.taskStatus} "${task.message}", called back ${results.join(', ')}`];
  if (callbacks.some(({ isSigned }) => !isSigned)) problems.push('a callback is not signed rightly');
  const sequences = callbacks.map(({ sequence }) => sequence);
  if (sequences.some((sequence, at) => at > 0 && sequence <= (sequences[at - 1] ?? 0)))
    problems.push('callbacks out of order');
  return problems;
}
