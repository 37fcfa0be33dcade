import { expect, test } from '@jest/globals';
import { CannotListen } from './cannot-listen.ts';

const variables = { host: 'THE_HOST', port: 'THE_PORT' };

test.each([
  [
    'EADDRINUSE',
    '::',
    'Cannot listen on [::]:81: another program listens there. Choose another THE_PORT, or 0 for any free one.',
  ],
  [
    'EACCES',
    '127.0.0.1',
    'Cannot listen on 127.0.0.1:81: this user may not (EACCES). Choose another THE_PORT, above 1023.',
  ],
  ['EMFILE', 'h', 'Cannot listen on h:81: EMFILE (THE_HOST, THE_PORT).'],
])('%s', (code, host, message) => {
  expect(new CannotListen({ host, port: 81 }, { code }, variables)).toMatchObject({ code, message });
});

test('a name that nobody knows', () => {
  const { message } = new CannotListen({ host: 'nowhere', port: 81 }, { code: 'ENOTFOUND' }, variables);
  expect(message).toMatch(
    /^Cannot listen on nowhere:81: there is no host of that name \(ENOTFOUND\)\. Choose another THE_HOST/,
  );
});

test('where nothing is known of variables, and nothing of the address', () => {
  const { message } = new CannotListen({ host: '', port: 81 }, { code: 'EADDRINUSE' });
  expect(message).toBe(
    'Cannot listen on port 81: another program listens there. Choose another port, or 0 for any free one.',
  );
});
