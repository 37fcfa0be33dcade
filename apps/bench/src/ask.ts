import http from 'node:http';

/** What is sent: a body is POSTed. */
export interface Asked {
  readonly tenantId: string;
  readonly body?: Buffer;
}

/**
 * Resolves with the text of a 200; rejects with what else was answered. With as little work of its own as `node:http` allows: what is
 * measured shares its machine.
 */
export function ask(agent: http.Agent, url: string, { tenantId, body }: Asked): Promise<string> {
  const headers = {
    'x-tenant-id': tenantId,
    ...(body !== undefined && { 'content-type': 'application/json', 'content-length': body.length }),
  };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => void parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(parts).toString();
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`${url}: ${response.statusCode} ${text}`));
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Seconds of CPU time that the process behind these metrics has taken since it began. */
export async function readCpuSeconds(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total(?:\{[^}]*\})? (\S+)/m.exec(text)?.[1]);
}
