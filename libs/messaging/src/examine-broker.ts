import { connect, type Channel, type ChannelModel } from 'amqplib';
import { brokerFailure, translateAmqp } from './broker-failure.ts';
import { declareQueues, exchanges, poisonExchange } from './topology.ts';

/** What is there of what Juice declares, as `queue juice.poison`; names are with the prefix. */
export interface TopologyFacts {
  readonly present: readonly string[];
  /** Made when a service connects. */
  readonly missing: readonly string[];
  /** With other properties: RabbitMQ refuses our declaration, and so no service connects. */
  readonly different: readonly { readonly name: string; readonly detail: string }[];
}

export interface BrokerExamination {
  readonly product: string;
  readonly version: string;
  /** Makes nothing that is not there. Throws DependencyFailure, as when the user may not declare. */
  examineTopology(): Promise<TopologyFacts>;
  close(): Promise<void>;
}

export interface BrokerExaminationOptions {
  readonly prefix?: string;
  /** Cuts the connection, whatever goes on: that fails then. */
  readonly signal: AbortSignal;
}

/** Connects once to look at RabbitMQ, and not again. Throws DependencyFailure. */
export async function openExamination(url: string, options: BrokerExaminationOptions): Promise<BrokerExamination> {
  const { prefix = '', signal } = options;
  const socketOptions = { noDelay: true, signal, clientProperties: { connection_name: 'juice-doctor' } };
  const model = await connect(url, socketOptions).catch((error: unknown) => {
    throw signal.aborted ? brokerFailure('connect', 'no answer in time') : translateAmqp('connect', error);
  });
  // An 'error' event nobody listens to would end the process; what is being done fails by itself.
  model.on('error', () => undefined);
  const ended = new Promise<void>((resolve) => model.on('close', () => resolve()));
  const { product, version } = model.connection.serverProperties;
  return {
    product: String(product),
    version: String(version),
    examineTopology: () => examineTopology(model, prefix),
    // A silent broker answers no goodbye: then the signal ends it.
    close: () => Promise.race([model.close().catch(() => undefined), ended]),
  };
}

interface Declared {
  /** With what it is: an exchange and a queue may have the same name. */
  readonly name: string;
  find(on: Channel): Promise<unknown>;
  declare(on: Channel): Promise<unknown>;
}

/**
 * Each by a passive declaration first, which makes nothing, and then by ours, of what is there alone: that changes nothing
 * where it is the same, and is refused where it is not. (In the moment between them it may be deleted: then it is made.)
 */
async function examineTopology(model: ChannelModel, prefix: string): Promise<TopologyFacts> {
  const present: string[] = [];
  const missing: string[] = [];
  const different: { name: string; detail: string }[] = [];
  for (const one of declared(prefix)) {
    const problem = await refusal(model, one.find);
    if (problem?.code === notFound) {
      missing.push(one.name);
      continue;
    }
    if (problem !== null) throw translateAmqp(`look at ${one.name}`, problem.error);
    const conflict = await refusal(model, one.declare);
    if (conflict === null) present.push(one.name);
    else if (conflict.code !== preconditionFailed) throw translateAmqp(`declare ${one.name}`, conflict.error);
    else different.push({ name: one.name, detail: translateAmqp(`declare ${one.name}`, conflict.error).message });
  }
  return { present, missing, different };
}

function declared(prefix: string): readonly Declared[] {
  const exchange = (name: string, type: string): Declared => ({
    name: `exchange ${name}`,
    find: (on) => on.checkExchange(name),
    declare: (on) => on.assertExchange(name, type, { durable: true }),
  });
  return [
    ...exchanges.map((name) => exchange(prefix + name, 'topic')),
    exchange(prefix + poisonExchange, 'fanout'),
    ...declareQueues(prefix).map(({ queue, arguments: args }) => ({
      name: `queue ${prefix + queue}`,
      find: (on: Channel) => on.checkQueue(prefix + queue),
      declare: (on: Channel) => on.assertQueue(prefix + queue, { durable: true, arguments: args }),
    })),
  ];
}

const notFound = 404;
const preconditionFailed = 406;

/** What the broker refuses is refused together with the channel: each try has its own. */
async function refusal(
  model: ChannelModel,
  act: (on: Channel) => Promise<unknown>,
): Promise<{ code: number | null; error: unknown } | null> {
  const channel = await model.createChannel().catch((error: unknown) => {
    throw translateAmqp('open channel', error);
  });
  channel.on('error', () => undefined);
  try {
    await act(channel);
    await channel.close();
    return null;
  } catch (error: unknown) {
    const code = error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null;
    return { code, error };
  }
}
