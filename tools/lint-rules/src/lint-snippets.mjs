// Lints the snippets given on stdin ([{ as, code }]: text and the path it pretends to have) with the project's own
// configuration and writes, for each, what was reported: [{ rule, message }]. A process of its own, because ESLint
// loads its configuration and Nx's native parts past Jest's module registry.
import { ESLint } from 'eslint';
import { json } from 'node:stream/consumers';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../../..');
const snippets = await json(process.stdin);
const invented = [...new Set(snippets.map(({ as }) => as))].filter((path) => !existsSync(resolve(root, path)));

const eslint = new ESLint({
  cwd: root,
  overrideConfig: {
    files: ['**/*.ts'],
    languageOptions: {
      parserOptions: {
        // Files that are not on disk belong to no tsconfig.json.
        projectService: {
          allowDefaultProject: invented,
          defaultProject: 'tsconfig.base.json',
          maximumDefaultProjectFileMatchCount_THIS_WILL_SLOW_DOWN_LINTING: 100,
        },
      },
    },
  },
});

const reports = [];
for (const { as, code } of snippets) {
  const [result] = await eslint.lintText(code, { filePath: resolve(root, as) });
  reports.push(result.messages.map(({ ruleId, message }) => ({ rule: ruleId ?? 'none', message })));
}
process.stdout.write(JSON.stringify(reports));
