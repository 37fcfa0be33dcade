import { taskStateName, type TaskId, type TaskState } from '@juice/contracts';

interface Row {
  readonly title: string;
  readonly sinceMs: number;
  status: TaskState | null;
  passed: string;
  message: string;
}

export interface Table {
  add(taskId: TaskId, title: string): void;
  show(taskId: TaskId, status: TaskState, message: string): void;
  end(): void;
}

/** The tasks' states as they change: drawn in place on a terminal, a line for each change elsewhere. */
export function createTable(say: (line: string) => void, isTerminal: boolean): Table {
  const rows = new Map<TaskId, Row>();
  let drawn = 0;

  function draw(): void {
    if (drawn > 0) process.stdout.write(`\u001b[${drawn}A\u001b[0J`);
    for (const [taskId, row] of rows) say(lineOf(taskId, row));
    drawn = rows.size;
  }

  return {
    add(taskId, title) {
      rows.set(taskId, { title, sinceMs: performance.now(), status: null, passed: '', message: '' });
    },
    show(taskId, status, message) {
      const row = rows.get(taskId);
      if (row === undefined || row.status === status) return;
      const afterMs = Math.round(performance.now() - row.sinceMs);
      row.status = status;
      row.passed += `${row.passed === '' ? '' : ' → '}${taskStateName(status)} ${afterMs} ms`;
      row.message = message;
      if (isTerminal) draw();
      else say(lineOf(taskId, row));
    },
    end: () => say(''),
  };
}

function lineOf(taskId: TaskId, { title, passed, message }: Row): string {
  return `  ${taskId}  ${title.padEnd(24)} ${passed}${message === '' ? '' : `  (${message})`}`;
}
