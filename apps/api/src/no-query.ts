import type { RequestHandler } from 'express';
import { noMembers } from '@juice/contracts';
import { answerRefusal } from './answer.ts';
import { readQueryAs } from './read-admin-request.ts';

/** Of a route without parameters: whoever gives one means something by it, and is told that it is not heeded. */
export const noQuery: RequestHandler = (request, response, next) => {
  const query = readQueryAs(noMembers, request.query);
  if (!query.ok) return answerRefusal(response, query);
  next();
};
