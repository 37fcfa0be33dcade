/**
 * Group commit: what is asked while one batch is under way goes together in the next, at most `limit` at a time. A lone
 * call waits for one turn of the event loop. `run` does a batch and says how to tell each item's result; when it fails, the batch's items fail.
 */
export function gather<Item, Result>(
  limit: number,
  run: (items: readonly Item[]) => Promise<(item: Item) => Result | Promise<Result>>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = false;

  const drain = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      // What is just being asked for goes along: whoever is told a result asks for the next thing at once.
      await new Promise(setImmediate);
      const batch = waiting.splice(0, limit);
      await run(batch.map(({ item }) => item)).then(
        (resultOf) => batch.forEach(({ item, resolve }) => resolve(resultOf(item))),
        (error: unknown) => batch.forEach(({ reject }) => reject(error)),
      );
    }
    running = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (!running) void drain();
    });
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result | Promise<Result>) => void;
  readonly reject: (error: unknown) => void;
}
