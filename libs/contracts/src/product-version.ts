import manifest from '../../../package.json' with { type: 'json' };

/** The version of Juice, of which there is one for all that is built from here: the manifest's. Bundling puts it in. */
export const productVersion: string = manifest.version;
