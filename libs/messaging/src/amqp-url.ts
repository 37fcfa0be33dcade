/** As the client reads them; it passes over any other. */
const options = ['heartbeat', 'channelMax', 'frameMax', 'maxFrameSize', 'locale'];

/** What is wrong with a broker's URL that is one of AMQP; null when nothing is. */
export function amqpUrlProblem(url: string): string | null {
  if (!URL.canParse(url)) return 'does not name one host';
  const unknown = [...new URL(url).searchParams.keys()].find((name) => !options.includes(name));
  return unknown === undefined ? null : `option ${unknown} is not supported (there are ${options.join(', ')})`;
}
