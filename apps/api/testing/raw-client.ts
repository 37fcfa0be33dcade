import { connect } from 'node:net';

/**
 * Sends text to a port of this machine as it is, and resolves with everything that came back until the other end closed.
 * With `isLast`, this end says that nothing more will come.
 */
export function talkRaw(port: number, text: string | Buffer, isLast = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => (isLast ? socket.end(text) : socket.write(text)));
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('error', reject);
    socket.on('close', () => resolve(Buffer.concat(received).toString()));
  });
}

/** The status and the parsed JSON body of one answer. */
export function readRawAnswer(text: string): { status: number; head: string; body: unknown } {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  return { status: Number(head.split(' ')[1]), head, body: JSON.parse(body) };
}
