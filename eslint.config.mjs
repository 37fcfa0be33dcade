import { createProjectGraphAsync } from '@nx/devkit';
import nx from '@nx/eslint-plugin';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';
import { fileNames } from './tools/lint-rules/src/file-names.mjs';

// The house rules that a machine can check (docs/adr/0002, 0004, 0013). Every rule here is proved to bite by
// tools/lint-rules: add the case there together with the rule.
//
// Flat config replaces a rule's options, it does not merge them: hence the lists below, put together per kind of file.

// Without a project graph at hand the boundary rule skips itself with a warning: a plain `npx eslint` makes one first. A
// task of Nx's has the one that Nx has just made.
if (process.env.NX_TASK_TARGET_PROJECT === undefined) await createProjectGraphAsync({ exitOnError: false });

const everyTest = ['**/*.spec.ts', '**/testing/**/*.ts', 'apps/e2e/**/*.ts'];
const everyMain = ['**/main.ts'];
const toolApps = [
  'apps/standalone/**/*.ts',
  'apps/demo/**/*.ts',
  'apps/bench/**/*.ts',
  'apps/doctor/**/*.ts',
  'tools/**/*.ts',
];
const pureLibs = ['libs/contracts/src/**/*.ts', 'libs/scheduling/src/**/*.ts'];

// ---- who may import whom ----------------------------------------------------------------------------------------

const layers = {
  'layer:contracts': [],
  'layer:core': ['layer:contracts'],
  'layer:platform': ['layer:contracts'],
  'layer:adapter': ['layer:contracts', 'layer:platform'],
  'layer:app': ['layer:contracts', 'layer:core', 'layer:platform', 'layer:adapter'],
  'layer:embedded': ['layer:contracts', 'layer:platform', 'lib:mesos'],
  'layer:client': ['layer:contracts'],
  'layer:tool': [
    'layer:contracts',
    'layer:core',
    'layer:platform',
    'layer:adapter',
    'layer:app',
    'layer:embedded',
    'layer:client',
  ],
  'layer:e2e': ['layer:contracts', 'layer:client', 'layer:embedded', 'lib:messaging'],
};

// npm packages, by project. A project that is not named here may import any (tools, e2e).
const packages = {
  'lib:contracts': ['zod', 'lossless-json'],
  'lib:scheduling': [],
  'lib:observability': ['winston', 'prom-client', '@opentelemetry/*'],
  'lib:runtime': ['zod'],
  'lib:destinations': [],
  'lib:persistence': ['mongoose', 'bson'],
  'lib:messaging': ['amqplib'],
  'lib:mesos': ['protobufjs', 'protobufjs/*', 'long'],
  'lib:local-mesos': [],
  'lib:local-mongo': ['bson', 'mingo', 'mingo/*'],
  'lib:trial': ['standardwebhooks'],
  'lib:client': [],
  'app:api': ['zod', 'cors', 'express', 're2js'],
  'app:scheduler': ['zod', 're2js'],
  'app:callback': ['zod', 'got'],
};

const boundaries = {
  allow: [],
  enforceBuildableLibDependency: false,
  // The stand-in is built on mesos' codec, and mesos' own specs talk to the stand-in.
  ignoredCircularDependencies: [['mesos', 'local-mesos']],
};

const productBoundaries = {
  ...boundaries,
  depConstraints: [
    ...Object.entries(layers).map(([sourceTag, onlyDependOnLibsWithTags]) => ({ sourceTag, onlyDependOnLibsWithTags })),
    ...Object.entries(packages).map(([sourceTag, allowedExternalImports]) => ({ sourceTag, allowedExternalImports })),
  ],
};

// Tests: any npm package, and the stand-ins, for every layer (contract suites and simulations run on them).
const testBoundaries = {
  ...boundaries,
  depConstraints: Object.entries(layers).map(([sourceTag, allowed]) => ({
    sourceTag,
    onlyDependOnLibsWithTags: [...new Set([...allowed, 'layer:embedded', 'layer:contracts', 'layer:platform'])],
  })),
};

// ---- restricted imports -----------------------------------------------------------------------------------------

const noTesting = {
  group: ['@juice/*/testing', '**/testing/*'],
  message: 'Test support is imported by tests alone.',
};
const noNode = { group: ['node:*'], message: 'This library is pure: no I/O, clock or chance.' };
const noGot = { group: ['got', 'got/*'], message: 'http-sender.ts is the only importer of got.' };
const noEnvImport = { name: 'node:process', importNames: ['env'], message: 'Only main.ts reads the environment.' };
const noTimersPromises = {
  name: 'node:timers/promises',
  message: 'Tests do not sleep: fake timers, or poll with a deadline.',
};

const restrictedImports = (patterns, paths = [noEnvImport]) => ['error', { paths, patterns }];

// ---- restricted syntax ------------------------------------------------------------------------------------------

const ban = (selector, message) => ({ selector, message });

const houseSyntax = [
  ban('ExportAllDeclaration', 'Export by name: no `export *`.'),
  ban('ExportDefaultDeclaration', 'Named exports only.'),
  ban('TSEnumDeclaration', 'A const object and a union, never `enum`.'),
  ban('TSModuleDeclaration[kind="namespace"]', 'No `namespace`.'),
  ban('Decorator', 'No decorators.'),
  ban('ClassDeclaration[abstract=true]', 'No abstract classes.'),
  ban(
    'ClassDeclaration[superClass][superClass.name!=/Error$/]',
    'No inheritance other than from Error: pass a function.',
  ),
  ban(
    'CallExpression[callee.object.name="mongoose"][callee.property.name=/^(connect|model)$/]',
    'mongoose.createConnection, never the default connection.',
  ),
];
const state = [
  ban('Program > VariableDeclaration[kind="let"]', 'No module-level mutable state.'),
  ban('ExportNamedDeclaration > VariableDeclaration[kind="let"]', 'No module-level mutable state.'),
];
const environment = [
  ban('MemberExpression[object.name="process"][property.name="env"]', 'Only main.ts reads the environment.'),
];
const impurity = [
  ban('MemberExpression[object.name="Date"][property.name="now"]', 'Time is data: it comes with the event.'),
  ban('NewExpression[callee.name="Date"][arguments.length=0]', 'Time is data: it comes with the event.'),
  ban('MemberExpression[object.name="Math"][property.name="random"]', 'Chance is data: it comes with the event.'),
  ban(':function[async=true]', 'Nothing here waits.'),
  ban('AwaitExpression', 'Nothing here waits.'),
  ban('ForOfStatement[await=true]', 'Nothing here waits.'),
];
const testSyntax = [
  ban(
    'CallExpression[callee.object.name="jest"][callee.property.name=/^(mock|doMock|unstable_mockModule|setMock|retryTimes)$/]',
    'No module mocks, no retried tests: pass a fake that keeps the contract.',
  ),
  ban(
    'MemberExpression[object.name=/^(test|it|describe)$/][property.name="only"]',
    'A test left alone hides the others.',
  ),
  ban('MemberExpression[property.name=/^toMatch(Inline)?Snapshot$/]', 'No snapshots of logic: say what matters.'),
];
const sleeping = [
  ban(
    'CallExpression[callee.name=/^(setTimeout|sleep|delay)$/]',
    'Tests do not sleep: fake timers, or poll with a deadline.',
  ),
];

// ---- the configuration ------------------------------------------------------------------------------------------

const typed = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  // A default counts as exhaustive; without one, every member of the union must have its case.
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/no-for-in-array': 'error',
  '@typescript-eslint/no-base-to-string': 'error',
};

const noLeakingAny = {
  '@typescript-eslint/no-unsafe-argument': 'error',
  '@typescript-eslint/no-unsafe-assignment': 'error',
  '@typescript-eslint/no-unsafe-call': 'error',
  '@typescript-eslint/no-unsafe-member-access': 'error',
  '@typescript-eslint/no-unsafe-return': 'error',
};

const untyped = {
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
  '@typescript-eslint/no-import-type-side-effects': 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-non-null-assertion': 'error',
  '@typescript-eslint/ban-ts-comment': 'error',
  '@typescript-eslint/no-unused-vars': [
    'error',
    { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' },
  ],
  '@typescript-eslint/max-params': ['error', { max: 5 }],
  'import/no-cycle': ['error', { ignoreExternal: true }],
  'juice/file-names': 'error',
  eqeqeq: 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'no-console': 'error',
  'no-control-regex': 'error',
  'no-empty': 'error',
  'no-unsafe-finally': 'error',
  'no-useless-catch': 'error',
  'max-depth': ['error', 5],
  'max-lines': ['error', { max: 330, skipBlankLines: true, skipComments: true }],
};

export default tseslint.config(
  { ignores: ['**/node_modules', '**/dist', '.nx', '.juice', '**/fixtures', '**/*.d.ts'] },
  // Generated from the .proto files.
  { ignores: ['libs/mesos/src/descriptor.ts', 'libs/mesos/src/wire.ts'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['**/*.ts'],
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    plugins: {
      '@nx': nx,
      '@typescript-eslint': tseslint.plugin,
      import: importX,
      juice: { rules: { 'file-names': fileNames } },
    },
    settings: {
      'import-x/extensions': ['.ts'],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
      // Cycles within a project are all relative; those between projects are Nx's to see.
      'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts'] })],
    },
    rules: {
      ...typed,
      ...noLeakingAny,
      ...untyped,
      '@nx/enforce-module-boundaries': ['error', productBoundaries],
      'no-restricted-imports': restrictedImports([noTesting]),
      'no-restricted-syntax': ['error', ...houseSyntax, ...state, ...environment],
    },
  },
  {
    files: toolApps,
    rules: {
      // Nx forbids importing an app; these start the services by their entry points.
      '@nx/enforce-module-boundaries': [
        'error',
        { ...productBoundaries, allow: ['@juice/api', '@juice/scheduler', '@juice/callback'] },
      ],
      'no-console': 'off',
    },
  },
  {
    files: pureLibs,
    rules: {
      'no-restricted-imports': restrictedImports([noTesting, noNode]),
      'no-restricted-syntax': ['error', ...houseSyntax, ...state, ...environment, ...impurity],
    },
  },
  {
    files: ['libs/contracts/src/product-version.ts'],
    rules: {
      // The manifest of the workspace, which is of no library.
      '@nx/enforce-module-boundaries': ['error', { ...productBoundaries, allow: ['../../../package.json'] }],
    },
  },
  {
    files: ['apps/callback/src/**/*.ts'],
    ignores: ['apps/callback/src/http-sender.ts'],
    rules: { 'no-restricted-imports': restrictedImports([noTesting, noGot]) },
  },
  {
    files: everyMain,
    rules: {
      'no-restricted-imports': restrictedImports([noTesting], []),
      'no-restricted-syntax': ['error', ...houseSyntax, ...state],
      'no-console': 'off',
    },
  },
  {
    files: everyTest,
    rules: {
      ...Object.fromEntries(Object.keys(noLeakingAny).map((rule) => [rule, 'off'])),
      '@nx/enforce-module-boundaries': ['error', testBoundaries],
      'no-restricted-imports': 'off',
      'no-restricted-syntax': ['error', ...houseSyntax, ...testSyntax],
      'max-lines': ['error', { max: 500, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['**/*.spec.ts'],
    rules: {
      'no-restricted-imports': restrictedImports([], [noTimersPromises]),
      'no-restricted-syntax': ['error', ...houseSyntax, ...testSyntax, ...sleeping],
    },
  },
);
