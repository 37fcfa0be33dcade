import { ProtocolViolation } from '@juice/contracts';
import { checkDocument } from '../bson/check.ts';
import { bsonType, Raw, readInt32 } from '../bson/raw.ts';
import { Command } from '../commands/command.ts';

const opReply = 1;
const opQuery = 2004;
const opMsg = 2013;

const checksumPresent = 1;
const moreToCome = 2;
/** Bits that must be understood by whom they reach; of these only the two above are. */
const requiredBits = 0xffff;

/** One request of a client. */
export interface Request {
  readonly requestId: number;
  readonly command: Command;
  /** The client does not wait for an answer and must not get one. */
  readonly isUnacknowledged: boolean;
  /** It came as OP_QUERY, the old form that only handshakes use, and is answered in it. */
  readonly isLegacy: boolean;
}

/** Throws ProtocolViolation or CommandFailure for what is no well-formed request. */
export function parseMessage(message: Buffer): Request {
  const requestId = readInt32(message, 4);
  const opCode = readInt32(message, 12);
  if (opCode === opMsg) return { requestId, isLegacy: false, ...parseMsg(message) };
  if (opCode === opQuery) return { requestId, isLegacy: true, isUnacknowledged: false, command: parseQuery(message) };
  throw violation(`opcode ${opCode}`);
}

function parseMsg(message: Buffer): { command: Command; isUnacknowledged: boolean } {
  if (message.length < 21) throw violation('OP_MSG is cut short');
  const flags = message.readUInt32LE(16);
  if ((flags & requiredBits & ~(checksumPresent | moreToCome)) !== 0) throw violation(`OP_MSG flags ${flags}`);
  const end = message.length - ((flags & checksumPresent) === 0 ? 0 : 4);
  const sequences = new Map<string, Raw[]>();
  let body: Raw | undefined;
  let at = 20;
  while (at < end) {
    const kind = message[at];
    if (kind === 0 && body === undefined) {
      body = readDocument(message, at + 1, end);
      at = body.end;
    } else if (kind === 1) {
      at = readSequence(message, at + 1, end, sequences);
    } else {
      throw violation(`OP_MSG section of kind ${kind}`);
    }
  }
  if (body === undefined) throw violation('OP_MSG without a body');
  return { command: new Command(body, sequences), isUnacknowledged: (flags & moreToCome) !== 0 };
}

function readDocument(bytes: Buffer, start: number, limit: number): Raw {
  return new Raw(bsonType.document, bytes, start, checkDocument(bytes, start, limit));
}

function readSequence(message: Buffer, start: number, limit: number, sequences: Map<string, Raw[]>): number {
  const end = start + (start + 4 <= limit ? readInt32(message, start) : limit);
  const nameEnd = message.indexOf(0, start + 4);
  if (end > limit || end < start + 5 || nameEnd < 0 || nameEnd >= end) throw violation('OP_MSG document sequence');
  const documents: Raw[] = [];
  for (let at = nameEnd + 1; at < end; at = (documents.at(-1) as Raw).end)
    documents.push(readDocument(message, at, end));
  sequences.set(message.toString('utf8', start + 4, nameEnd), documents);
  return end;
}

/** flags, collection name (`admin.$cmd`), skip, limit, the command. */
function parseQuery(message: Buffer): Command {
  const nameEnd = message.indexOf(0, 20);
  if (nameEnd < 0 || nameEnd + 9 > message.length) throw violation('OP_QUERY is cut short');
  return new Command(readDocument(message, nameEnd + 9, message.length));
}

/** The answer to a request as bytes to send. */
export function encodeAnswer(request: Request, document: Buffer): Buffer[] {
  const prefix = Buffer.alloc(request.isLegacy ? 36 : 21);
  prefix.writeInt32LE(prefix.length + document.length, 0);
  prefix.writeInt32LE(request.requestId, 8);
  prefix.writeInt32LE(request.isLegacy ? opReply : opMsg, 12);
  if (request.isLegacy) {
    prefix.writeInt32LE(8, 16); // AwaitCapable
    prefix.writeInt32LE(1, 32); // one document
  }
  return [prefix, document];
}

const violation = (detail: string) => new ProtocolViolation({ peer: 'client', detail });
