import { format, createLogger as createWinston, transports, type Logger } from 'winston';
import type { EventName } from '@juice/contracts';
import { writeJsonLine, writePrettyLine, type LogLine } from './log-line.ts';

export const logLevels = ['error', 'warn', 'info', 'debug', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * A service's log. `error`: a person must look; `warn`: degraded and self-healing; `info`: one wide line per unit of
 * work, and lifecycle; `debug`: the rest. Fields are ids, numbers and outcomes — never payloads, signatures or queries.
 */
export interface Log {
  error(event: EventName, fields?: LogFields): void;
  warn(event: EventName, fields?: LogFields): void;
  info(event: EventName, fields?: LogFields): void;
  debug(event: EventName, fields?: LogFields): void;
  /** A log whose lines all have these fields too. At the edges only: a request, a message, a session. */
  child(fields: LogFields): Log;
  isEnabled(level: Exclude<LogLevel, 'silent'>): boolean;
  /** Resolves when everything logged so far has been handed to the stream; later lines (of children too) are dropped. */
  close(): Promise<void>;
}

/**
 * Creates a service's log: JSON lines with the fixed members `time level service event`, then the fields; with `pretty`,
 * lines for people (a terminal). bigints are written as strings, errors as name, code, message and cause. A value that
 * cannot be written never throws into the caller.
 */
export function createLogger(settings: {
  service: string;
  level: LogLevel;
  pretty?: boolean;
  /** Where to; standard output when not given. */
  stream?: NodeJS.WritableStream;
}): Log {
  const { service, level, pretty = false, stream = process.stdout } = settings;
  const write = pretty ? writePrettyLine : writeJsonLine;
  const transport = new transports.Stream({ stream, eol: '\n' });
  const winston = createWinston({
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    level: level === 'silent' ? 'error' : level,
    silent: level === 'silent',
    format: format.printf((info) =>
      write({ ...(info['line'] as LogLine), level: info.level, event: info.message as string }),
    ),
    transports: [transport],
    exitOnError: false,
  });
  const isSilent = level === 'silent';
  let closed: Promise<void> | null = null;
  const writer: Writer = {
    service,
    isEnabled: (at) => !isSilent && closed === null && winston.isLevelEnabled(at),
    log: (at, event, line) => void winston.log({ level: at, message: event, line }),
    close: () => (closed ??= end(winston, transport)),
  };
  return bind(writer, {});
}

interface Writer {
  readonly service: string;
  isEnabled(level: string): boolean;
  log(level: string, event: EventName, line: Omit<LogLine, 'level' | 'event'>): void;
  close(): Promise<void>;
}

function bind(writer: Writer, own: LogFields): Log {
  function write(level: string, event: EventName, fields: LogFields | undefined): void {
    if (!writer.isEnabled(level)) return;
    const time = new Date().toISOString();
    writer.log(level, event, { time, service: writer.service, fields: { ...own, ...fields } });
  }
  return {
    error: (event, fields) => write('error', event, fields),
    warn: (event, fields) => write('warn', event, fields),
    info: (event, fields) => write('info', event, fields),
    debug: (event, fields) => write('debug', event, fields),
    child: (fields) => bind(writer, { ...own, ...fields }),
    isEnabled: (level) => writer.isEnabled(level),
    close: () => writer.close(),
  };
}

function end(winston: Logger, transport: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => {
    transport.once('finish', () => resolve());
    winston.end();
  });
}
