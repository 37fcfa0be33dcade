// One configuration for every project: ESM, TypeScript through swc, `@juice/*` as tsconfig.base.json names them.
const root = import.meta.dirname;

export default {
  testEnvironment: 'node',
  testMatch: ['**/*.spec.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      `${root}/node_modules/@swc/jest`,
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript' },
          // Of the manifest, which is imported as JSON.
          experimental: { keepImportAttributes: true },
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  moduleNameMapper: {
    '^@juice/(api|scheduler|callback)$': `${root}/apps/$1/src/service.ts`,
    '^@juice/([^/]+)/testing$': `${root}/libs/$1/testing/index.ts`,
    '^@juice/([^/]+)$': `${root}/libs/$1/src/index.ts`,
  },
  testTimeout: 30_000,
  // Two cores: nx already runs two projects side by side.
  maxWorkers: 1,
  // A project without specs yet is not a failure; a spec that matches nothing is caught by the per-spec assertions.
  passWithNoTests: true,
};
