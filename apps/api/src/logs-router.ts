import { Router, type RequestHandler } from 'express';
import { logStreams, taskLogsQuery, type LogStream } from '@juice/contracts';
import { answerRefusal } from './answer.ts';
import { tenantOf } from './caller.ts';
import { setCommonHeaders } from './common-headers.ts';
import type { Gates } from './gates.ts';
import { readQueryAs } from './read-admin-request.ts';
import type { OpenLog, ReadLog } from './read-log.ts';
import { readTaskIdOfPath, type Read } from './read-request.ts';
import { refuse, refuseWhileStopping } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { shortenValue } from './shorten-value.ts';
import type { StreamSeats } from './stream-seats.ts';
import { named, wrongMethod } from './tasks-router.ts';

/** GET /v1/tasks/{taskId}/logs/{stream}: what a task has written, as it is. */
export function createLogsRouter(deps: {
  gates: Gates;
  readLog: ReadLog;
  seats: Pick<StreamSeats, 'take'>;
  /** Once aborted, logs that are followed end, in order, so that their clients go on elsewhere, from the byte they have. */
  stopping: AbortSignal;
}): Router {
  const { gates, readLog, seats, stopping } = deps;

  const serve: RequestHandler = async (request, response) => {
    const taskId = readTaskIdOfPath(request.params['taskId']);
    if (!taskId.ok) return answerRefusal(response, taskId);
    factsOf(response).taskId = taskId.value;
    const stream = readStream(request.params['stream']);
    if (!stream.ok) return answerRefusal(response, stream);
    const query = readQueryAs(taskLogsQuery, request.query);
    if (!query.ok) return answerRefusal(response, query);
    const { attempt, offset = 0, length, follow = false } = query.value;
    const over = new AbortController();
    const end = (): void => over.abort();
    response.once('close', end);
    const { tenantId } = tenantOf(response);
    if (follow) {
      const seat = seats.take(tenantId);
      if (!seat.ok) return answerRefusal(response, seat);
      response.once('close', seat.free);
      if (stopping.aborted) end();
      stopping.addEventListener('abort', end);
      response.once('close', () => stopping.removeEventListener('abort', end));
    }
    const wish = { tenantId, taskId: taskId.value, stream: stream.value, attempt, offset, length, follow };
    const opened = await readLog(wish, over.signal);
    if (response.closed) return;
    // Whatever came of it: an agent is not to blame for an answer that was not waited for.
    if (over.signal.aborted) return answerRefusal(response, refuseWhileStopping());
    if (!opened.ok) return answerRefusal(response, opened);
    setCommonHeaders(response);
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.setHeader('x-log-attempt', opened.log.attempt);
    response.setHeader('x-log-offset', opened.log.offset);
    response.setHeader('x-log-size', opened.log.size);
    if (opened.log.length !== null) response.setHeader('content-length', opened.log.length);
    if (request.method === 'HEAD') return void response.end();
    await send(opened.log, response, over.signal);
  };

  const router = Router();
  router
    .route('/v1/tasks/:taskId/logs/:stream')
    .all(named('/v1/tasks/{taskId}/logs/{stream}'))
    .get(gates.tenant, serve)
    .all(wrongMethod('GET', 'HEAD'));
  return router;
}

/**
 * As fast as the client takes it, until there is no more or it is over: its client has left, or we stop, and then what was sent goes out.
 * An agent that leaves in between ends the connection: the client sees that it is not all.
 */
async function send({ pieces }: OpenLog, response: Parameters<RequestHandler>[1], over: AbortSignal): Promise<void> {
  response.flushHeaders();
  try {
    for await (const bytes of pieces) {
      if (over.aborted) break;
      if (!response.write(bytes)) await drained(response, over);
    }
  } catch (error: unknown) {
    if (!over.aborted) {
      factsOf(response).error = error;
      response.destroy();
      return;
    }
  }
  if (!response.closed) response.end();
}

function drained(response: Parameters<RequestHandler>[1], over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      over.removeEventListener('abort', done);
      resolve();
    };
    response.once('drain', done);
    over.addEventListener('abort', done);
    if (over.aborted) done();
  });
}

function readStream(parameter: unknown): Read<LogStream> {
  const stream = logStreams.find((one) => one === parameter);
  if (stream !== undefined) return { ok: true, value: stream };
  const value = shortenValue(parameter);
  const message = `the log in the path must be one of ${logStreams.join(', ')}, not ${value}`;
  return refuse('invalid', { member: 'stream', code: 'OBJECT_NOT_EQUAL', message, value });
}
