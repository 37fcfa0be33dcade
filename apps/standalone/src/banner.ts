/** What standalone says when it is up: where it is, what it may do, and how to try it. For people; the last line is for scripts. */
export function writeBanner(facts: {
  readonly url: string;
  readonly parts: readonly { readonly name: string; readonly what: string }[];
  readonly dataDir: string;
  readonly user: string;
  readonly allowed: readonly string[];
  readonly callbacksTo: readonly string[];
  readonly secretFile: string | null;
  readonly isLoopback: boolean;
  readonly auth: 'header' | 'api-key';
}): string {
  const { url } = facts;
  const who = facts.auth === 'header' ? `-H 'X-Tenant-Id: me'` : `-H 'Authorization: Bearer KEY'`;
  const lines = [
    '',
    'Juice, standalone: the api, the scheduler and the callback dispatcher in one process.',
    '',
    ...facts.parts.map(({ name, what }) => `  ${name.padEnd(10)} ${what}`),
    `  data       ${facts.dataDir}`,
    '',
    `Tasks run on this machine as user ${facts.user}.${facts.isLoopback ? '' : ' WARNING: it listens on more than loopback: whoever reaches it runs commands here.'}`,
    facts.allowed.length === 0
      ? 'Not allowed to tasks: privileged containers, host volumes, docker parameters, roles, file: URIs, host networking (JUICE_ALLOW).'
      : `Allowed to tasks: ${facts.allowed.join('; ')}.`,
    `Callbacks may also go to ${facts.callbacksTo.join(', ')}; they are signed with ${
      facts.secretFile === null ? 'JUICE_CALLBACK_SECRET' : `the secret in ${facts.secretFile}`
    }.`,
    '',
    ...(facts.auth === 'header' ? [] : howToMakeKey(url)),
    'Submit a task:',
    `  curl -s ${url}/v1/tasks ${who} -H 'Content-Type: application/json' \\`,
    `    -d '{"taskName":"hello","commands":"echo hello; sleep 5"}'`,
    'Ask how it is (with the taskId of the answer):',
    `  curl -s '${url}/v1/tasks?taskIds=TASK_ID' ${who}`,
    'Kill it:',
    `  curl -s -X POST '${url}/v1/tasks/kill?taskId=TASK_ID' ${who}`,
    '',
    `juice ready on ${url}`,
    '',
  ];
  return lines.join('\n');
}

function howToMakeKey(url: string): readonly string[] {
  return [
    'Make a key for the tenant "me" (the admin key is what JUICE_ADMIN_KEY is set to):',
    `  curl -s -X POST ${url}/v1/admin/tenants/me/keys -H "Authorization: Bearer $JUICE_ADMIN_KEY"`,
  ];
}
