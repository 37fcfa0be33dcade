import type { Collection } from './collection.ts';
import type { Interval, Plan } from './plan.ts';
import type { StoredDocument } from './stored-document.ts';

/** The documents that a plan comes upon, each once, in the plan's order. Changes between two steps are allowed. */
export function candidates(collection: Collection, plan: Plan): Iterable<StoredDocument> {
  const { index, intervals } = plan;
  if (index === null) return collection.documents();
  if (plan.order === 'merged') return merged(plan);
  const found = inTurn(plan);
  return index.isMultikey && intervals.length > 0 ? distinct(found) : found;
}

function* inTurn({ index, intervals, backwards }: Plan): Generator<StoredDocument> {
  const ordered = [...intervals].sort((a, b) => (a.low < b.low === backwards ? 1 : -1));
  for (const { low, high } of ordered) {
    for (const { value } of index?.entries.scan(low, high, backwards) ?? []) yield value;
  }
}

interface Stream {
  readonly entries: Generator<{ key: string; value: StoredDocument }>;
  readonly prefixLength: number;
  value: StoredDocument;
  rest: string;
}

/** Several ordered runs as one: they differ in the fixed fields and are compared by what follows those. */
function* merged({ index, intervals, backwards }: Plan): Generator<StoredDocument> {
  const streams: Stream[] = [];
  const advance = (stream: Stream): boolean => {
    const next = stream.entries.next();
    if (next.done === true) return false;
    stream.value = next.value.value;
    stream.rest = next.value.key.slice(stream.prefixLength);
    return true;
  };
  for (const interval of intervals) {
    const stream = open(index?.entries.scan(interval.low, interval.high, backwards), interval);
    if (stream !== undefined) streams.push(stream);
  }
  while (streams.length > 0) {
    let first = streams[0] as Stream;
    for (const stream of streams) if (backwards ? stream.rest > first.rest : stream.rest < first.rest) first = stream;
    yield first.value;
    if (!advance(first)) streams.splice(streams.indexOf(first), 1);
  }
}

function open(entries: Stream['entries'] | undefined, { prefixLength }: Interval): Stream | undefined {
  const first = entries?.next();
  if (entries === undefined || first === undefined || first.done === true) return undefined;
  const { key, value } = first.value;
  return { entries, prefixLength, value, rest: key.slice(prefixLength) };
}

function* distinct(documents: Iterable<StoredDocument>): Generator<StoredDocument> {
  const seen = new Set<StoredDocument>();
  for (const document of documents) {
    if (seen.has(document)) continue;
    seen.add(document);
    yield document;
  }
}
