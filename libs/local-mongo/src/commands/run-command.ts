import { Double } from 'bson';
import { CommandFailure } from '../command-failure.ts';
import { encodeDocument, toRaw } from '../bson/writer.ts';
import { aggregate } from './aggregate-command.ts';
import * as catalog from './catalog-commands.ts';
import type { Command } from './command.ts';
import { findAndModify } from './find-and-modify.ts';
import { insert } from './insert-command.ts';
import * as read from './read-commands.ts';
import * as server from './server-commands.ts';
import type { Handler, Reply, ServerState } from './server-state.ts';
import { remove, update } from './update-command.ts';

const handlers: ReadonlyMap<string, Handler> = new Map<string, Handler>([
  ['hello', server.hello],
  ['isMaster', server.hello],
  ['ismaster', server.hello],
  ['ping', server.succeed],
  ['buildInfo', server.buildInfo],
  ['buildinfo', server.buildInfo],
  ['serverStatus', server.serverStatus],
  ['hostInfo', server.hostInfo],
  ['connectionStatus', server.connectionStatus],
  ['getParameter', server.getParameter],
  ['replSetGetStatus', server.noReplicaSet],
  ['startSession', server.succeed],
  ['endSessions', server.succeed],
  ['refreshSessions', server.succeed],
  ['killSessions', server.succeed],
  ['logout', server.succeed],
  ['find', read.find],
  ['getMore', read.getMore],
  ['killCursors', read.killCursors],
  ['count', read.count],
  ['distinct', read.distinct],
  ['explain', read.explain],
  ['aggregate', aggregate],
  ['insert', insert],
  ['update', update],
  ['delete', remove],
  ['findAndModify', findAndModify],
  ['findandmodify', findAndModify],
  ['create', catalog.create],
  ['createIndexes', catalog.createIndexes],
  ['dropIndexes', catalog.dropIndexes],
  ['deleteIndexes', catalog.dropIndexes],
  ['listIndexes', catalog.listIndexes],
  ['listCollections', catalog.listCollections],
  ['listDatabases', catalog.listDatabases],
  ['drop', catalog.drop],
  ['dropDatabase', catalog.dropDatabase],
  ['renameCollection', catalog.renameCollection],
  ['collStats', catalog.collStats],
  ['dbStats', catalog.dbStats],
]);

/** Runs a command and encodes its answer; what is wrong with it is an answer, too. Never throws. */
export async function runCommand(command: Command, state: ServerState): Promise<Buffer> {
  try {
    return encodeDocument({ ...(await answer(command, state)), ok: one });
  } catch (error) {
    if (!(error instanceof CommandFailure)) state.reportFault(command.name, error);
    return encodeDocument(errorReply(error));
  }
}

async function answer(command: Command, state: ServerState): Promise<Reply> {
  const handler = handlers.get(command.name);
  if (handler === undefined) throw new CommandFailure(59, `no such command: '${command.name}'`);
  if (command.truth('startTransaction') || command.has('autocommit')) {
    throw new CommandFailure(20, 'Transaction numbers are only allowed on a replica set member or mongos');
  }
  return await handler(command, state);
}

/** A fault of this server's own is answered as mongod answers its: an InternalError, and the connection stays usable. */
function errorReply(error: unknown): Reply {
  const failure = error instanceof CommandFailure ? error : new CommandFailure(1, describeFault(error));
  const { code, codeName, message, facts } = failure;
  return { ok: zero, errmsg: message, code, codeName, ...facts };
}

const describeFault = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

// mongod's `ok` is a double.
const one = toRaw(new Double(1));
const zero = toRaw(new Double(0));
