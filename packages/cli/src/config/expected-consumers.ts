import { streamName, type EventStore } from 'daybook';
import type { ExpectedConsumer } from 'daybook/consumer';

import { usage } from '../failure.ts';
import type { Config } from './config.ts';
import { defined } from './load-config.ts';

/** The consumers and read models that have to be there, because a config names them. */
export function expectedConsumers(config: Config | undefined, store: EventStore): readonly ExpectedConsumer[] {
  if (config === undefined) return [];
  const consumers = config.consumers.map((each): ExpectedConsumer => defined(each, store));
  const models = config.readModels.map(({ model: { name, sources } }) => ({
    name,
    sources: sources.map(({ stream }) => ({ stream: streamName(stream) })),
  }));
  const expected = [...consumers, ...models];
  const names = expected.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw usage(`${config.path} names ${twice} twice. A name stands for one consumer, or one read model.`);
  }
  return expected;
}
