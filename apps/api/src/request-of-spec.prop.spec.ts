import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { submitRequest } from '@juice/contracts';
import {
  rightEnv,
  rightLabels,
  rightName,
  rightResources,
  rightTimes,
  rightUris,
  rightWork,
} from '@juice/contracts/testing';
import { bounds, defaults } from '../testing/api-fixture.ts';
import { normaliseTask } from './normalise-task.ts';
import { changeRequest, requestOfSpec } from './request-of-spec.ts';

const parts = fc.tuple(
  rightName,
  rightWork,
  rightResources(fc.constant(0)),
  rightEnv,
  rightUris,
  rightLabels,
  rightTimes,
  fc.constantFrom(
    { body: {} },
    { body: { constraints: { field: 'hostname', values: ['a'] }, retry: 3, priority: 1 } },
    { body: { constraints: [{ field: 'zone', operator: 'unlike', values: ['a.*'] }], priority: 100 } },
    { body: { constraints: { field: 'gpu', operator: 'EXISTS' }, group: { name: 'g', placement: 'unique' } } },
    { body: { group: { name: 'g', placement: 'balanced', by: 'rack_id' }, priority: 101 } },
    { body: { callbackUrl: 'https://h/hook', callbackEvents: 'TERMINAL' } },
  ),
);

test('whatever is submitted, its spec says how to submit the same again', () => {
  const schema = submitRequest(bounds);
  const specOf = (body: unknown) => normaliseTask(schema.parse(body), defaults);
  fc.assert(
    fc.property(parts, (parts) => {
      const { spec, problems } = specOf(Object.assign({}, ...parts.map(({ body }) => body)));
      expect(problems).toEqual([]);
      expect(specOf(requestOfSpec(spec))).toEqual({ spec, problems: [] });
      // As it comes back from a client that was shown it.
      expect(specOf(JSON.parse(JSON.stringify(requestOfSpec(spec))))).toEqual({ spec, problems: [] });
      expect(specOf(changeRequest(spec, {}))).toEqual({ spec, problems: [] });
    }),
    { numRuns: 300 },
  );
});
