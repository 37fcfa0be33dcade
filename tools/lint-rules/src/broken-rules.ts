/** Text that breaks a rule at the path it pretends to have, and optionally a path where the same text is allowed. */
export interface BrokenRule {
  readonly rule: string;
  readonly why: string;
  readonly as: string;
  readonly code: string;
  readonly allowedAs?: string;
}

const boundaries = '@nx/enforce-module-boundaries';
const imports = 'no-restricted-imports';
const syntax = 'no-restricted-syntax';
const inLib = 'libs/runtime/src/snippet.ts';
const inSpec = 'libs/runtime/src/snippet.spec.ts';
const inContracts = 'libs/contracts/src/snippet.ts';
const inCore = 'libs/scheduling/src/snippet.ts';
const inAdapter = 'libs/persistence/src/snippet.ts';
const inApp = 'apps/api/src/snippet.ts';
const inTool = 'apps/standalone/src/snippet.ts';
const inMain = 'apps/api/src/snippet/main.ts';

function use(names: string, from: string): string {
  return `import { ${names} } from '${from}';\nexport const used = [${names}];\n`;
}

const layering: readonly BrokenRule[] = [
  {
    rule: boundaries,
    why: 'contracts import nothing',
    as: inContracts,
    code: use('loadConfig', '@juice/runtime'),
    allowedAs: inApp,
  },
  {
    rule: boundaries,
    why: 'the manifest has one reader',
    as: inContracts,
    code: "import manifest from '../../../package.json' with { type: 'json' };\nexport const used = manifest.version;\n",
    allowedAs: 'libs/contracts/src/product-version.ts',
  },
  {
    rule: boundaries,
    why: 'the core imports contracts only',
    as: inCore,
    code: use('createLogger', '@juice/observability'),
    allowedAs: inApp,
  },
  {
    rule: boundaries,
    why: 'the core has no npm package',
    as: inCore,
    code: use('z', 'zod'),
    allowedAs: 'libs/scheduling/src/snippet.spec.ts',
  },
  {
    rule: boundaries,
    why: 'the client has no npm package',
    as: 'libs/client/src/snippet.ts',
    code: use('z', 'zod'),
    allowedAs: 'libs/client/src/snippet.spec.ts',
  },
  {
    rule: boundaries,
    why: 'adapters never import each other',
    as: inAdapter,
    code: use('connectBroker', '@juice/messaging'),
    allowedAs: inApp,
  },
  {
    rule: boundaries,
    why: 'the platform imports no adapter',
    as: inLib,
    code: use('connectMongo', '@juice/persistence'),
  },
  {
    rule: boundaries,
    why: 'apps never import each other',
    as: inApp,
    code: use('startScheduler', '@juice/scheduler'),
    allowedAs: inTool,
  },
  {
    rule: boundaries,
    why: 'apps do not run on stand-ins',
    as: inApp,
    code: use('startLocalMongo', '@juice/local-mongo'),
    allowedAs: 'apps/api/src/snippet.spec.ts',
  },
  {
    rule: boundaries,
    why: 'stand-ins import no adapter but mesos',
    as: 'libs/local-mesos/src/snippet.ts',
    code: use('connectMongo', '@juice/persistence'),
  },
  {
    rule: boundaries,
    why: 'a driver belongs to its adapter',
    as: 'apps/scheduler/src/snippet.ts',
    code: use('Schema', 'mongoose'),
    allowedAs: inAdapter,
  },
  {
    rule: boundaries,
    why: 'black box tests do not import the product',
    as: 'apps/e2e/src/snippet.ts',
    code: use('connectMongo', '@juice/persistence'),
  },
  {
    rule: boundaries,
    why: 'another project is imported by its name',
    as: inApp,
    code: use('connectMongo', '../../../libs/persistence/src/index.ts'),
  },
  { rule: imports, why: 'contracts are pure', as: inContracts, code: use('readFileSync', 'node:fs'), allowedAs: inLib },
  { rule: imports, why: 'the core is pure', as: inCore, code: use('randomUUID', 'node:crypto'), allowedAs: inLib },
  {
    rule: imports,
    why: 'test support is for tests',
    as: inApp,
    code: use('taskStoreContract', '@juice/persistence/testing'),
    allowedAs: 'apps/api/src/snippet.spec.ts',
  },
  {
    rule: imports,
    why: 'test support is for tests, by relative path too',
    as: inAdapter,
    code: use('taskStoreContract', '../testing/index.ts'),
  },
  {
    rule: imports,
    why: 'one importer of got',
    as: 'apps/callback/src/snippet.ts',
    code: use('got', 'got'),
    allowedAs: 'apps/callback/src/http-sender.ts',
  },
  {
    rule: 'import/no-cycle',
    why: 'no cycles within a project',
    as: 'libs/contracts/src/task-id.ts',
    code: use('tasksSubmittedMessage', './messages.ts'),
  },
];

const purity: readonly BrokenRule[] = [
  {
    rule: syntax,
    why: 'the core has no clock',
    as: inCore,
    code: 'export const at = (): number => Date.now();',
    allowedAs: inLib,
  },
  {
    rule: syntax,
    why: 'the core has no clock',
    as: inCore,
    code: 'export const at = (): Date => new Date();',
    allowedAs: inLib,
  },
  {
    rule: syntax,
    why: 'the core has no dice',
    as: inCore,
    code: 'export const die = (): number => Math.random();',
    allowedAs: inLib,
  },
  {
    rule: syntax,
    why: 'the core does not wait',
    as: inCore,
    code: 'export async function wait(it: Promise<void>): Promise<void> {\n  await it;\n}',
    allowedAs: inLib,
  },
  {
    rule: syntax,
    why: 'contracts have no clock',
    as: inContracts,
    code: 'export const at = (): number => Date.now();',
  },
];

const house: readonly BrokenRule[] = [
  {
    rule: syntax,
    why: 'only main.ts reads the environment',
    as: inApp,
    code: "export const port = process.env['PORT'];",
    allowedAs: inMain,
  },
  {
    rule: imports,
    why: 'only main.ts reads the environment',
    as: inApp,
    code: use('env', 'node:process'),
    allowedAs: inMain,
  },
  { rule: syntax, why: 'no default exports', as: inLib, code: 'export default 1;' },
  { rule: syntax, why: 'no export *', as: inLib, code: "export * from 'node:fs';" },
  { rule: syntax, why: 'no enum', as: inLib, code: 'export enum Colour { Red }' },
  { rule: syntax, why: 'no namespace', as: inLib, code: 'export namespace Colours { export const red = 1; }' },
  { rule: syntax, why: 'no abstract classes', as: inLib, code: 'export abstract class Shape {}' },
  { rule: syntax, why: 'no inheritance', as: inLib, code: 'class Shape {}\nexport class Circle extends Shape {}' },
  {
    rule: syntax,
    why: 'no module-level state',
    as: inLib,
    code: 'let count = 0;\nexport const next = (): number => (count += 1);',
    allowedAs: inSpec,
  },
  {
    rule: syntax,
    why: 'no default connection',
    as: inAdapter,
    code: "import mongoose from 'mongoose';\nexport const it = mongoose.connect('');",
  },
  {
    rule: 'no-console',
    why: 'events are logged, not printed',
    as: inLib,
    code: "console.log('here');",
    allowedAs: inTool,
  },
  {
    rule: 'juice/file-names',
    why: 'no dumping grounds',
    as: 'libs/runtime/src/utils.ts',
    code: 'export const a = 1;',
    allowedAs: inLib,
  },
  { rule: 'juice/file-names', why: 'kebab-case', as: 'libs/runtime/src/SnippetThing.ts', code: 'export const a = 1;' },
  {
    rule: 'juice/file-names',
    why: 'one index.ts per library',
    as: 'libs/runtime/src/snippet/index.ts',
    code: 'export const a = 1;',
  },
  { rule: 'max-lines', why: 'small files', as: inLib, code: 'export {};\n'.repeat(331), allowedAs: inSpec },
  {
    rule: '@typescript-eslint/max-params',
    why: 'few parameters',
    as: inLib,
    code: 'export function f(a: 1, b: 1, c: 1, d: 1, e: 1, g: 1): unknown {\n  return [a, b, c, d, e, g];\n}',
  },
  { rule: '@typescript-eslint/no-explicit-any', why: 'no any', as: inLib, code: 'export type It = any;' },
  {
    rule: '@typescript-eslint/no-non-null-assertion',
    why: 'no !',
    as: inLib,
    code: 'export const f = (it: string | null): string => it!;',
  },
  {
    rule: '@typescript-eslint/consistent-type-imports',
    why: 'types are imported as types',
    as: inLib,
    code: "import { Stats } from 'node:fs';\nexport type It = Stats;",
  },
];

const typed: readonly BrokenRule[] = [
  {
    rule: '@typescript-eslint/no-floating-promises',
    why: 'nothing floats',
    as: inLib,
    code: 'async function f(): Promise<void> {}\nf();',
  },
  {
    rule: '@typescript-eslint/no-misused-promises',
    why: 'a promise is not a condition',
    as: inLib,
    code: 'async function f(): Promise<boolean> { return true; }\nexport const it = f() ? 1 : 2;',
  },
  {
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    why: 'every member has its case',
    as: inLib,
    code: "export function f(it: 'a' | 'b'): void {\n  switch (it) {\n    case 'a':\n  }\n}",
  },
  {
    rule: '@typescript-eslint/only-throw-error',
    why: 'what is thrown is an Error',
    as: inLib,
    code: "export function f(): never {\n  throw 'it';\n}",
  },
  {
    rule: '@typescript-eslint/no-unsafe-return',
    why: 'any does not leak',
    as: inLib,
    code: 'export const f = (text: string): string => JSON.parse(text);',
    allowedAs: inSpec,
  },
];

const tests: readonly BrokenRule[] = [
  {
    rule: syntax,
    why: 'no module mocks',
    as: inSpec,
    code: "import { jest } from '@jest/globals';\njest.mock('node:fs');",
  },
  {
    rule: syntax,
    why: 'no module mocks of ES modules',
    as: inSpec,
    code: "import { jest } from '@jest/globals';\njest.unstable_mockModule('node:fs', () => ({}));",
  },
  {
    rule: syntax,
    why: 'no retried tests',
    as: inSpec,
    code: "import { jest } from '@jest/globals';\njest.retryTimes(2);",
  },
  {
    rule: syntax,
    why: 'no sleeping',
    as: inSpec,
    code: 'await new Promise((resolve) => void setTimeout(resolve, 50));',
    allowedAs: inLib,
  },
  { rule: imports, why: 'no sleeping by another name', as: inSpec, code: use('setTimeout', 'node:timers/promises') },
  {
    rule: syntax,
    why: 'no test left alone',
    as: inSpec,
    code: "import { test } from '@jest/globals';\ntest.only('it', () => {});",
  },
  {
    rule: syntax,
    why: 'no snapshots',
    as: inSpec,
    code: "import { expect } from '@jest/globals';\nexpect(1).toMatchInlineSnapshot('1');",
  },
];

export const brokenRules = [...layering, ...purity, ...house, ...typed, ...tests];
