/** A sleep that can be cut short. A ring while nobody sleeps cuts the next sleep short. */
export interface Alarm {
  sleep(ms: number): Promise<void>;
  ring(): void;
  /** Forgets a ring that nobody has heard. */
  clear(): void;
}

export function createAlarm(): Alarm {
  let isRung = false;
  let wakeUp: (() => void) | null = null;
  return {
    async sleep(ms) {
      if (!isRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      isRung = false;
      wakeUp = null;
    },
    ring() {
      isRung = true;
      wakeUp?.();
    },
    clear() {
      isRung = false;
    },
  };
}
