import { z } from 'zod';
import { writeDuration, writeSize, type SettingFacts } from './settings.ts';

/** One key of a configuration schema with the variable it is read from. */
export interface Setting {
  readonly key: string;
  readonly variable: string;
  readonly isRequired: boolean;
  /** As it would be written in the environment; null when there is none. */
  readonly defaultText: string | null;
  readonly facts: SettingFacts;
}

/** The settings of a configuration schema, in the order they are declared. */
export function settingsOf(schema: z.ZodObject): readonly Setting[] {
  return Object.entries(schema.shape).map(([key, piece]) => {
    const layers = unwrap(piece as z.ZodType);
    const facts: SettingFacts = layers.reduceRight((inner: SettingFacts, layer) => ({ ...inner, ...layer.meta() }), {});
    const withDefault = layers.find((layer) => layer instanceof z.ZodDefault);
    const isRequired = withDefault === undefined && !layers.some((layer) => layer instanceof z.ZodOptional);
    const defaultText = withDefault === undefined ? null : writeValue(withDefault.def.defaultValue, facts);
    return { key, variable: facts.env ?? inCapitals(key), isRequired, defaultText, facts };
  });
}

/** The variables that they are read from. */
export function variablesOf(schema: z.ZodObject): readonly string[] {
  return settingsOf(schema).map(({ variable }) => variable);
}

/** A Markdown table of the settings, for the docs. */
export function writeConfigTable(schema: z.ZodObject): string {
  const rows = settingsOf(schema).map(({ variable, isRequired, defaultText, facts }) => {
    const standard = isRequired ? '**required**' : defaultText === null ? '–' : `\`${defaultText}\``;
    const secret = facts.secret === true ? ' *(secret)*' : '';
    return `| \`${variable}\` | ${standard} | ${cell(facts.expects)} | ${cell(facts.description)}${secret} |`;
  });
  return ['| variable | default | value | meaning |', '|---|---|---|---|', ...rows, ''].join('\n');
}

/** A bar would end the cell. */
function cell(words: string | undefined): string {
  return (words ?? '').replaceAll('|', '\\|');
}

/** An example `.env` file: what is required is there to be filled in, the rest shows its default behind a `#`. */
export function writeConfigExample(schema: z.ZodObject): string {
  return settingsOf(schema)
    .map(({ variable, isRequired, defaultText, facts }) => {
      const about = [facts.description, facts.expects === undefined ? undefined : `Must be ${facts.expects}.`];
      const comment = about.filter((part) => part !== undefined).map((part) => `# ${part}\n`);
      return `${comment.join('')}${isRequired ? '' : '#'}${variable}=${defaultText ?? ''}\n`;
    })
    .join('\n');
}

function unwrap(schema: z.ZodType): readonly z.ZodType[] {
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
  ) {
    return [schema, ...unwrap(schema.def.innerType as z.ZodType)];
  }
  return [schema];
}

function writeValue(value: unknown, { kind }: SettingFacts): string {
  if (kind === 'duration' && typeof value === 'number') return writeDuration(value);
  if (kind === 'size' && typeof value === 'number') return writeSize(value);
  return Array.isArray(value) ? value.join(',') : String(value);
}

function inCapitals(key: string): string {
  return /^[A-Z0-9_]+$/.test(key) ? key : key.replace(/(?<=[a-z0-9])[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
