import fc from 'fast-check';
import {
  absent,
  right,
  rightEnv,
  rightLabels,
  rightName,
  rightResources,
  rightTimes,
  rightUris,
  rightWork,
  type RightPart,
} from '@juice/contracts/testing';

// Submissions at random against an oracle: a body is put together from parts that are each known to be right (with what
// they mean) or wrong (with the member to be blamed). Right in all parts: stored, meaning just that. Wrong in any: all of
// the wrong ones are named, and nothing is stored.

export type Wrong = { readonly body: object; readonly blames: string };
export type Part = RightPart | Wrong;

const wrong = (body: object, blames: string): Wrong => ({ body, blames });
/** Mostly right, else nobody would ever get past the first wrong part. */
const mostly = (rights: fc.Arbitrary<RightPart>, wrongs: fc.Arbitrary<Wrong>): fc.Arbitrary<Part> =>
  fc.oneof({ weight: 9, arbitrary: rights }, { weight: 1, arbitrary: wrongs });

const junk = fc.oneof(fc.boolean(), fc.object(), fc.array(fc.integer(), { minLength: 1 }));
const name = mostly(
  rightName,
  fc
    .oneof(fc.constantFrom('', ' ', null, 'x'.repeat(101), 'a\tb'), junk)
    .map((taskName) => wrong({ taskName }, 'taskName')),
);
const work = mostly(
  rightWork,
  fc.constantFrom(
    wrong({}, 'container, commands'),
    wrong({ commands: 'a', container: { docker: { image: 'a' } } }, 'container, commands'),
    wrong({ container: { docker: { image: 'a', net: 'LAN' } } }, 'container.docker.net'),
    wrong({ container: {} }, 'container.docker'),
    wrong({ commands: 'a', args: ['b'] }, 'args'),
    wrong({ commands: ['a'], args: ['b'] }, 'args'),
    wrong({ commands: [] }, 'commands[0]'),
    wrong({ commands: ['a', null] }, 'commands[1]'),
    wrong({ commands: { run: 'a' } }, 'commands'),
  ),
);
const resources = mostly(
  rightResources(fc.constant(0)),
  fc.oneof(
    fc.constantFrom(0, -1, -0.001, 16.001, 1e9, '1', true).map((cpu) => wrong({ resources: { cpu } }, 'resources.cpu')),
    fc.constantFrom(0, -5, 16_385, '512').map((mem) => wrong({ resources: { mem } }, 'resources.mem')),
  ),
);
const env = mostly(
  rightEnv,
  fc.constantFrom(
    wrong({ env: 5 }, 'env'),
    wrong({ env: [{ name: 'A=', value: '' }] }, 'env[0].name'),
    wrong({ env: { name: 'MESOS_AGENT_ENDPOINT', value: 'h:1' } }, 'env.name'),
  ),
);
const uris = mostly(
  rightUris,
  fc.constantFrom(
    wrong({ uris: ['http://h'] }, 'uris[0]'),
    wrong({ uris: [{}] }, 'uris[0].value'),
    wrong({ uris: ['http://h/a', { value: 'http://h/a', cache: 1 }] }, 'uris[1].cache'),
    wrong({ uris: [{ value: 'http://h/a', extract: true, executable: true }] }, 'uris[0].extract'),
    wrong({ uris: [{ value: 'http://h/a', outputFile: '/etc/passwd' }] }, 'uris[0].outputFile'),
  ),
);
const labels = mostly(
  rightLabels,
  fc.constantFrom(
    wrong({ labels: 5 }, 'labels'),
    wrong({ labels: { juice_task_id: '1' } }, 'labels.juice_task_id'),
    wrong({ labels: { a: 1 } }, 'labels.a'),
    wrong(
      {
        labels: [
          { key: 'a', value: 'b' },
          { key: ' ', value: '' },
        ],
      },
      'labels[1].key',
    ),
  ),
);
const retry = mostly(
  fc.oneof(
    fc.nat(10).map((retry) => right({ retry }, { retry })),
    absent('retry'),
  ),
  fc.constantFrom(-1, 11, 1.5, '1', true).map((retry) => wrong({ retry }, 'retry')),
);
const priority = mostly(
  fc.oneof(
    fc
      .integer({ min: -9, max: 109 })
      .map((given) => right({ priority: given }, { priority: given >= 0 && given <= 100 ? given : 0 })),
    absent('priority'),
  ),
  fc.constantFrom(0.5, 'high', []).map((priority) => wrong({ priority }, 'priority')),
);
const url = mostly(
  fc.oneof(
    fc.webUrl({ withQueryParameters: true }).map((callbackUrl) => right({ callbackUrl }, { callbackUrl })),
    absent('callbackUrl'),
  ),
  fc
    .constantFrom('x', 'ftp://a/', 'http://u:p@a/', 'http://a/#b', 5)
    .map((given) => wrong({ callbackUrl: given }, 'callbackUrl')),
);
const constraints = mostly(
  fc.oneof(
    fc
      .record({
        field: fc.constantFrom('rack_id', 'RACK_ID', 'HostName'),
        value: fc.stringMatching(/^[a-z0-9.]{1,9}$/),
      })
      .map((c) =>
        right(
          { constraints: { field: c.field, values: [c.value] } },
          { constraints: [{ field: c.field === 'HostName' ? 'HOSTNAME' : 'RACK_ID', values: [c.value] }] },
        ),
      ),
    fc
      .record({
        field: fc.stringMatching(/^[a-z]{1,6}_[0-9]$/),
        operator: fc.constantFrom('NOT_IN', 'LIKE', 'unlike'),
        values: fc.array(fc.stringMatching(/^[a-z0-9]{1,9}$/), { minLength: 1, maxLength: 3 }),
      })
      .map((c) =>
        right(
          { constraints: [c] },
          { constraints: [{ ...c, operator: c.operator.toUpperCase() as 'NOT_IN' | 'LIKE' | 'UNLIKE' }] },
        ),
      ),
    absent('constraints'),
  ),
  fc.constantFrom(
    wrong({ constraints: { field: '', values: ['a'] } }, 'constraints.field'),
    wrong({ constraints: { field: 'x', operator: 'LIKE', values: [] } }, 'constraints.values'),
  ),
);
/** What nobody knows is ignored, whatever it holds. */
const unknown = fc
  .dictionary(fc.stringMatching(/^x[a-z]{1,5}$/), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 })
  .map((body) => right(body));

export const submissionParts: fc.Arbitrary<readonly Part[]> = fc.tuple(
  name,
  work,
  resources,
  env,
  uris,
  labels,
  rightTimes,
  retry,
  priority,
  url,
  constraints,
  unknown,
);
