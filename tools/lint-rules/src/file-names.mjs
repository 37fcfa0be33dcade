import { basename, dirname } from 'node:path';

const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.(prop|int|sim))?(\.spec)?\.ts$/;
const dumpingGround = /^(utils?|helpers?|common|shared|misc|types|interfaces|constants|models|services)$/;

/** Files are named for the thing or the verb, in kebab-case; one index.ts per library; no dumping grounds. */
export const fileNames = {
  meta: { type: 'problem', schema: [], docs: { description: 'names of files and folders' } },
  create(context) {
    const file = basename(context.filename);
    const folder = basename(dirname(context.filename));
    return {
      Program(node) {
        const report = (message) => context.report({ node, message });
        if (!kebab.test(file)) report(`${file}: names are kebab-case, for the thing or the verb.`);
        if (dumpingGround.test(file.split('.')[0]) || dumpingGround.test(folder)) {
          report(`${folder}/${file}: nothing is filed under what kind of syntax it is.`);
        }
        if (file === 'index.ts' && folder !== 'src' && folder !== 'testing') report('One index.ts per library.');
      },
    };
  },
};
