import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SortedEntries } from './sorted-entries.ts';

const key = fc.integer({ min: 0, max: 3000 }).map((n) => String(n).padStart(5, '0'));
const change = fc.tuple(fc.constantFrom('add', 'add', 'remove'), key);

function build(changes: readonly (readonly [string, string])[]): {
  entries: SortedEntries<string>;
  model: Set<string>;
} {
  const entries = new SortedEntries<string>();
  const model = new Set<string>();
  for (const [kind, name] of changes) {
    if (kind === 'remove') {
      entries.remove(name);
      model.delete(name);
    } else if (!model.has(name)) {
      entries.add(name, name);
      model.add(name);
    }
  }
  return { entries, model };
}

const inRange = (model: ReadonlySet<string>, low: string, high: string) =>
  [...model].filter((name) => name >= low && name < high).sort();

describe('sorted entries', () => {
  test('are what a sorted set would hold, in both directions', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 2500, size: 'max' }), key, key, (changes, low, high) => {
        const { entries, model } = build(changes);
        const expected = inRange(model, low, high);
        expect(Array.from(entries.scan(low, high), (entry) => entry.key)).toEqual(expected);
        expect(Array.from(entries.scan(low, high, true), (entry) => entry.key)).toEqual([...expected].reverse());
        expect(entries.size).toBe(model.size);
        expect(entries.first(low, high)?.key).toBe(expected[0]);
        if (low <= high) expect(Math.abs(entries.estimate(low, high) - expected.length)).toBeLessThanOrEqual(1024);
      }),
      { numRuns: 60 },
    );
  });

  test('may change while they are gone through: what stays is seen once, in order', () => {
    fc.assert(
      fc.property(
        fc.array(key, { minLength: 1, maxLength: 1500, size: 'max' }),
        fc.array(change, { maxLength: 300 }),
        fc.boolean(),
        (names, changes, backwards) => {
          const { entries, model } = build(names.map((name) => ['add', name] as const));
          const before = new Set(model);
          const touched = new Set<string>();
          const seen: string[] = [];
          const pending = [...changes];
          for (const { key: name } of entries.scan('', '~', backwards)) {
            seen.push(name);
            const [kind, other] = pending.pop() ?? [];
            if (other === undefined) continue;
            touched.add(other);
            if (kind === 'remove' ? model.delete(other) : !model.has(other)) {
              if (kind === 'remove') entries.remove(other);
              else entries.add(other, other);
            }
            if (kind !== 'remove') model.add(other);
          }
          const ascending = [...new Set(seen)].sort();
          expect(seen).toEqual(backwards ? ascending.reverse() : ascending);
          for (const name of before) if (!touched.has(name)) expect(seen).toContain(name);
        },
      ),
      { numRuns: 60 },
    );
  });
});
