import fc from 'fast-check';
import type {
  ContainerSpec,
  DockerSpec,
  FetchSpec,
  PortMappingSpec,
  TaskSpec,
  UriSpec,
  VolumeSpec,
} from '../src/index.ts';

/**
 * Parts of submissions that are right, at random: what a tenant sends, and what it means once stored. The api is held to
 * the meaning, the scheduler to turning it into what a master takes. Parts of different names go together in one body.
 */
export interface RightPart {
  readonly body: object;
  readonly means: Partial<TaskSpec>;
}

export const right = (body: object, means: Partial<TaskSpec> = {}): RightPart => ({ body, means });
export const absent = (member: string): fc.Arbitrary<RightPart> =>
  fc.constantFrom(right({}), right({ [member]: null }));

export const printable = fc.string({ unit: 'grapheme-ascii', maxLength: 100 });
const nonBlank = printable.filter((text) => text.trim() !== '');

/** What a task is that asks for nothing. */
export const nothingAsked: TaskSpec = {
  taskName: '',
  callbackUrl: null,
  callbackEvents: 'all',
  commands: null,
  container: null,
  resources: { role: '*', cpus: 1, memMb: 512, diskMb: 0, gpus: 0, ports: 0 },
  env: [],
  args: [],
  uris: [],
  constraints: [],
  priority: 0,
  retry: 0,
  expireSeconds: null,
  maxRunSeconds: null,
  killGraceSeconds: null,
  unreachableSeconds: null,
  labels: [],
};

/** Some of which would be no Mesos task id, or no folder's name. */
export const rightName = fc
  .oneof(nonBlank, fc.constantFrom('.', '..', 'a/b\\c', '名'.repeat(100), '-'.repeat(100)))
  .map((taskName) => right({ taskName }, { taskName }));

/** Words of an argument list, and how each is written for a shell. */
const word = fc.oneof(
  fc.stringMatching(/^[a-z0-9._/-]{1,12}$/).map((plain) => [plain, plain] as const),
  fc.constantFrom(
    ...([
      ['', "''"],
      ['a b', "'a b'"],
      ["it's", String.raw`'it'\''s'`],
      ['$HOME', "'$HOME'"],
      ['*', "'*'"],
      ['--level=3', '--level=3'],
      ['ä\n', "'ä\n'"],
    ] as const),
  ),
);
const program = fc.constantFrom(
  ...([
    ['./run.sh', './run.sh'],
    ['/bin/sh', '/bin/sh'],
    ['A=1', "'A=1'"],
  ] as const),
);

const image = fc.stringMatching(/^[a-z0-9]{1,9}(\/[a-z0-9]{1,9}){0,2}(:[a-z0-9]{1,9})?$/);
const volumes = fc.uniqueArray(
  fc.record<VolumeSpec>({
    containerPath: fc.stringMatching(/^\/?[a-z]{1,6}(\/[a-z]{1,6}){0,2}$/),
    hostPath: fc.stringMatching(/^(\/[a-z]{1,6}){1,3}$/),
    mode: fc.constantFrom('RO', 'RW'),
  }),
  { selector: ({ containerPath }) => containerPath, maxLength: 3 },
);

/** Every host port once, but that TCP and UDP share one in the last of them. */
const portMappings = fc.constantFrom<readonly PortMappingSpec[]>(
  [],
  [{ containerPort: 80, hostPort: 0, protocol: 'tcp' }],
  [
    { containerPort: 80, hostPort: 31_000, protocol: 'tcp' },
    { containerPort: 81, hostPort: 0, protocol: 'tcp' },
  ],
  [
    { containerPort: 53, hostPort: 31_053, protocol: 'tcp' },
    { containerPort: 53, hostPort: 31_053, protocol: 'udp' },
  ],
);
type Network = Pick<DockerSpec, 'net' | 'parameters' | 'portMappings'>;
const network: fc.Arbitrary<Network> = fc.oneof(
  fc.constantFrom<Network>({ net: 'HOST', ...unmapped() }, { net: 'NONE', ...unmapped() }),
  portMappings.map((mappings): Network => ({ net: 'BRIDGE', parameters: [], portMappings: mappings })),
  fc.tuple(fc.constantFrom('network', 'net'), portMappings).map(([key, mappings]): Network => {
    const label = { key: 'label', value: 'a=b' };
    return { net: 'USER', parameters: [label, { key, value: 'team-net' }], portMappings: mappings };
  }),
);

function unmapped(): Omit<Network, 'net'> {
  return { parameters: [], portMappings: [] };
}

const container: fc.Arbitrary<ContainerSpec> = fc.oneof(
  fc
    .record({ image, forcePullImage: fc.boolean(), privileged: fc.boolean(), network, volumes })
    .map(({ network, volumes, ...asked }) => ({ type: 'DOCKER' as const, docker: { ...asked, ...network }, volumes })),
  fc
    .record({ image, forcePullImage: fc.boolean(), net: fc.constantFrom('BRIDGE' as const, 'HOST' as const), volumes })
    .map(({ volumes, ...asked }) => {
      return { type: 'MESOS' as const, docker: { ...asked, privileged: false, ...unmapped() }, volumes };
    }),
);

function asSent({ volumes, ...container }: ContainerSpec): object {
  const sent = volumes.map(({ containerPath, hostPath, mode }) => ({ containerPath, hostPath, dvo: mode }));
  return { ...container, volumes: sent };
}

/** What is run: a shell command, a program, a container of either type. */
export const rightWork: fc.Arbitrary<RightPart> = fc.oneof(
  nonBlank.map((commands) => right({ commands, container: null }, { commands })),
  fc.tuple(program, fc.array(word, { maxLength: 4 })).map(([first, rest]) => {
    const words = [first, ...rest];
    const argv = words.map(([given]) => given);
    return right({ commands: argv }, { argv, commands: words.map(([, written]) => written).join(' ') });
  }),
  fc
    .tuple(container, fc.array(printable, { maxLength: 3 }))
    .map(([container, args]) => right({ container: asSent(container), args }, { container, args })),
);

/** Rounded up to what Mesos can tell apart, forgiving what a double cannot say; no less than a task can have. */
const amount = (least: number, most: number) => fc.double({ min: least, max: most, noNaN: true });
export const rightResources = (gpus: fc.Arbitrary<number>): fc.Arbitrary<RightPart> =>
  fc.oneof(
    fc
      .record({ cpu: amount(0.001, 16), mem: amount(0.001, 16_384), disk: fc.nat(1000), gpus, ports: fc.nat(4) })
      .map((asked) =>
        right(
          { resources: asked },
          {
            resources: {
              role: '*',
              cpus: Math.max(0.1, Number((Math.ceil(Number((asked.cpu * 1000).toFixed(6))) / 1000).toFixed(3))),
              memMb: Math.max(256, Math.ceil(Number(asked.mem.toFixed(6)))),
              diskMb: asked.disk,
              gpus: asked.gpus,
              ports: asked.ports,
            },
          },
        ),
      ),
    absent('resources'),
  );

const variable = fc.record({ name: fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,9}$/), value: printable });
export const rightEnv = fc.oneof(
  variable.map((one) => right({ env: one }, { env: [one] })),
  variable.map((one) => right({ env: { ...one, secret: true } }, { env: [{ ...one, secret: true }] })),
  fc
    .uniqueArray(variable, { selector: ({ name }) => name, maxLength: 5 })
    .map((list) => right({ envs: list }, { env: list })),
  absent('env'),
);

const plainUri = fc.constantFrom('http://h/a.tar.gz', 'https://h:1/b?c=d', 'hdfs:///x/y', 's3://b/k', 'ftp://h/z');
/** As it is sent, and as it is fetched. */
const uri = fc.oneof(
  plainUri.map((value): readonly [unknown, UriSpec] => [value, { value, ...defaultFetch }]),
  fc
    .record({
      value: fc.oneof(plainUri, fc.constant('http://h/folder/')),
      executable: fc.option(fc.boolean()),
      cache: fc.option(fc.boolean()),
      outputFile: fc.constantFrom('name', 'sub/name.zip'),
    })
    .map((asked): readonly [unknown, UriSpec] => {
      const { value, outputFile, executable, cache } = asked;
      const fetched = { extract: executable !== true, executable: executable ?? false, cache: cache ?? false };
      return [asked, { value, ...fetched, outputFile }];
    }),
  plainUri.map((value): readonly [unknown, UriSpec] => [
    { value, extract: false, outputFile: null },
    { value, ...defaultFetch, extract: false },
  ]),
);
const defaultFetch: FetchSpec = { extract: true, executable: false, cache: false, outputFile: null };

export const rightUris = fc.oneof(
  fc.array(uri, { maxLength: 4 }).map((list) => {
    const fetched = list.map(([, meant]) => meant);
    const uris = fetched.map(({ value }) => value);
    const isPlain = fetched.every((one) => one.extract && !one.executable && !one.cache && one.outputFile === null);
    const fetching = fetched.map(({ value: _, ...how }) => how);
    return right({ uris: list.map(([sent]) => sent) }, { uris, ...(!isPlain && { fetching }) });
  }),
  absent('uris'),
);

const label = fc.record({
  key: fc.oneof(
    fc.stringMatching(/^[a-z]{1,8}$/),
    fc.constantFrom('$where', 'a.b.c', 'constructor', 'juice', 'ключ 1'),
  ),
  value: printable,
});
const labels = fc.uniqueArray(label, { selector: ({ key }) => key, maxLength: 5 });
export const rightLabels = fc.oneof(
  labels.map((list) => right({ labels: list }, { labels: list })),
  labels.map((list) =>
    right({ labels: Object.fromEntries(list.map(({ key, value }) => [key, value])) }, { labels: list }),
  ),
  absent('labels'),
);

/** Amounts that are taken as they are. */
export const rightTimes = fc
  .record({
    expireSeconds: fc.option(fc.integer({ min: 1, max: 604_800 })),
    maxRunSeconds: fc.option(fc.integer({ min: 1, max: 86_400 })),
    killGraceSeconds: fc.option(fc.integer({ min: 0, max: 600 })),
    unreachableSeconds: fc.option(fc.integer({ min: 0, max: 31_536_000 })),
  })
  .map((times) => right(times, times));
