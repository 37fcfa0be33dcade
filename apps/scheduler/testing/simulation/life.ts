import type { Chance } from './chance.ts';

/** One scheduler process. Dead, nothing answers it any more, and it does nothing. */
export interface Life {
  readonly epoch: number;
  isAlive(): boolean;
  die(): void;
  /** It dies that many operations from now, just before the operation takes effect or just after. */
  dieAt(operations: number, when: 'before' | 'after'): void;
  /**
   * Something it does to the world: `act` when it takes effect, unless it is dead by then; a dead process gets no answer.
   */
  operate<T>(act: () => T): Promise<T>;
}

export function createLife(epoch: number, onDeath: () => void): Life {
  let alive = true;
  let left = Infinity;
  let dies: 'before' | 'after' = 'before';
  const die = (): void => {
    if (!alive) return;
    alive = false;
    onDeath();
  };
  return {
    epoch,
    isAlive: () => alive,
    die,
    dieAt(operations, when) {
      left = operations;
      dies = when;
    },
    operate: (act) =>
      new Promise((resolve, reject) => {
        if (!alive) return;
        left -= 1;
        if (left <= 0 && dies === 'before') return die();
        try {
          const result = act();
          if (left <= 0) return die();
          resolve(result);
        } catch (error: unknown) {
          reject(error as Error);
        }
      }),
  };
}

/** How long a message is on its way: mostly a moment, now and then so long that others overtake it. */
export function travelMs(chance: Chance): number {
  return chance.happens(0.04) ? chance.between(100, 2_500) : chance.between(1, 40);
}
