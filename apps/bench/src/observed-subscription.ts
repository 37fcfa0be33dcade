import { createMesosClient, type ContentType, type Subscription } from '@juice/mesos';

export interface ObservedSubscription {
  readonly subscription: Subscription;
  readonly frameworkId: string;
  /** How many updates the stream has brought. */
  updates(): number;
}

/** A new framework that wants no offers. What its stream brings is read, as a scheduler does, and counted. */
export async function subscribe(url: string, contentType: ContentType): Promise<ObservedSubscription> {
  const framework = {
    user: 'root',
    name: 'bench',
    roles: ['bench'],
    capabilities: [{ type: 'MULTI_ROLE' as const }, { type: 'PARTITION_AWARE' as const }],
  };
  const subscription = await createMesosClient({ masters: [url], contentType }).subscribe(framework, ['bench']);
  let updates = 0;
  const frameworkId = await new Promise<string>((resolve, reject) => {
    const read = async (): Promise<void> => {
      for await (const event of subscription.events) {
        if (event.type === 'SUBSCRIBED') resolve(event.subscribed.framework_id.value);
        else if (event.type === 'UPDATE') updates += 1;
        else if (event.type === 'ERROR') reject(new Error(event.error.message));
      }
    };
    // A stream that ends later ends the calls, which tell of it.
    read().then(() => reject(new Error('the master closed the stream')), reject);
  });
  return { subscription, frameworkId, updates: () => updates };
}
