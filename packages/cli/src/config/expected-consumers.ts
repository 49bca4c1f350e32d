import type { EventStore } from 'daybook';
import type { ExpectedConsumer } from 'daybook/consumer';

import { usage } from '../failure.ts';
import type { Config, ConfiguredModel } from './config.ts';
import { defined } from './load-config.ts';

/** The consumers and read models that have to be there, because a config names them. Databases are asked themselves. */
export async function expectedConsumers(
  config: Config | undefined,
  store: EventStore,
): Promise<readonly ExpectedConsumer[]> {
  if (config === undefined) return [];
  const consumers = config.consumers.map((each): ExpectedConsumer => defined(each, store));
  const models = await expectedModels(config.readModels);
  const expected = [...consumers, ...models];
  const names = expected.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw usage(`${config.path} names ${twice} twice. A name stands for one consumer, or one read model.`);
  }
  return expected;
}

async function expectedModels(models: readonly ConfiguredModel[]): Promise<readonly ExpectedConsumer[]> {
  if (models.length === 0) return [];
  const { expectReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  return models.map(({ model, db }) => expectReadModel(model, { db }));
}
