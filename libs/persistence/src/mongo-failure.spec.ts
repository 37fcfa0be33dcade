import { expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import mongoose from 'mongoose';
import { asFailure } from './mongo-failure.ts';

const { MongoNetworkError, MongoServerError, MongoError } = mongoose.mongo;

/** The driver's errors of a pool that was cleared: their classes are not exported, their names are what tells them. */
class PoolClearedOnNetworkError extends MongoError {
  override get name(): string {
    return 'PoolClearedOnNetworkError';
  }
}

test.each([
  ['a broken connection', new MongoNetworkError('reset'), true],
  // A frozen server: an operation in hand gets this when another one's time-out clears the pool.
  ['a pool cleared under an operation', new PoolClearedOnNetworkError('cleared'), true],
  ['a primary that stepped down', new MongoServerError({ message: 'stepped down', code: 189 }), true],
  // The driver passes on as it is what befalls a socket while it waits to write on: a server that is killed just then.
  ['a socket that the server has ended', Object.assign(new Error('ended by the other party'), { code: 'EPIPE' }), true],
  ['a socket that broke while it was full', Object.assign(new Error('write'), { code: 'ECONNRESET' }), true],
  ['a command that is wrong', new MongoServerError({ message: 'no such field', code: 9 }), false],
])('%s is a failure of the database', (_, error, retryable) => {
  const failure = asFailure('find', error);
  expect(failure).toBeInstanceOf(DependencyFailure);
  expect(failure).toMatchObject({ dependency: 'mongodb', operation: 'find', retryable });
});

test('a bug of our own is not', () => {
  const bug = new TypeError('undefined is not a function');
  expect(asFailure('find', bug)).toBe(bug);
});
