import { CommandFailure } from '../command-failure.ts';
import { bsonType, elements, fields, type Raw } from '../bson/raw.ts';
import { isNumber, readNumber, readString, readTruth } from '../bson/read.ts';
import { typeName } from '../match/type-codes.ts';

/** A command as it came: its fields by name, and the document sequences that came beside it. */
export class Command {
  readonly name: string;
  readonly #fields: ReadonlyMap<string, Raw>;
  readonly #sequences: ReadonlyMap<string, readonly Raw[]>;

  constructor(body: Raw, sequences: ReadonlyMap<string, readonly Raw[]> = new Map()) {
    this.#fields = new Map(fields(body));
    this.#sequences = sequences;
    this.name = this.#fields.keys().next().value ?? '';
  }

  get database(): string {
    return this.text('$db') ?? 'test';
  }

  /** `database.collection`, the collection being the command's own value. Throws CommandFailure(73) where it is no name. */
  get namespace(): string {
    const collection = this.field(this.name);
    if (collection?.type !== bsonType.string || readString(collection) === '') {
      throw new CommandFailure(73, `collection name has invalid type ${typeName(collection?.type ?? 0)}`);
    }
    return `${this.database}.${readString(collection)}`;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  field(name: string): Raw | undefined {
    const value = this.#fields.get(name);
    return value?.type === bsonType.null ? undefined : value;
  }

  text(name: string): string | undefined {
    const value = this.#typed(name, 'string', (type) => type === bsonType.string);
    return value === undefined ? undefined : readString(value);
  }

  document(name: string): Raw | undefined {
    return this.#typed(name, 'object', (type) => type === bsonType.document);
  }

  truth(name: string): boolean {
    return readTruth(this.field(name));
  }

  /** A number; int64 beyond 2^53 as the nearest double. */
  number(name: string): number | undefined {
    const value = this.#typed(name, 'long, int, decimal, double', isNumber);
    return value === undefined ? undefined : Number(readNumber(value));
  }

  /** The documents of an array or of a sequence beside the command. */
  documents(name: string): readonly Raw[] {
    const sequence = this.#sequences.get(name);
    if (sequence !== undefined) return sequence;
    const list = this.array(name);
    const other = list.find(({ type }) => type !== bsonType.document);
    if (other !== undefined) throw this.#wrongType(`${name}.0`, other, 'object');
    return list;
  }

  array(name: string): Raw[] {
    const value = this.#typed(name, 'array', (type) => type === bsonType.array);
    if (value === undefined)
      throw new CommandFailure(40414, `BSON field '${this.name}.${name}' is missing but a required field`);
    return elements(value);
  }

  #typed(name: string, expected: string, accepts: (type: number) => boolean): Raw | undefined {
    const value = this.field(name);
    if (value !== undefined && !accepts(value.type)) throw this.#wrongType(name, value, expected);
    return value;
  }

  #wrongType(name: string, value: Raw, expected: string): CommandFailure {
    return new CommandFailure(
      14,
      `BSON field '${this.name}.${name}' is the wrong type '${typeName(value.type)}', expected type '${expected}'`,
    );
  }
}
