import type { EventStore } from 'daybook';
import { runConsumer } from 'daybook/consumer';
import type { StateCache } from 'daybook/decider';
import { runReadModel } from 'daybook/read-model';
import type { Kysely } from 'kysely';

import { emailOnOrderShipped, type Mailer } from './email-on-order-shipped.ts';
import { orderCache } from './order-cache.ts';
import { picking } from './picking.ts';
import { shipments, type ShopTables } from './shipments.ts';
import { shipping } from './shipping.ts';

/** What the services work with. */
export interface Surroundings {
  readonly store: EventStore;
  readonly db: Kysely<ShopTables>;
  readonly mailer: Mailer;
  /** What the service `cache` fills, and whoever looks at an order in this process reads. */
  readonly cache: StateCache;
}

/** The services of the shop, each of which can run in this process or in one of its own. */
export const services = {
  picking: ({ store }: Surroundings): Promise<AsyncDisposable> => runConsumer(store, picking(store)),
  shipping: ({ store }: Surroundings): Promise<AsyncDisposable> => runConsumer(store, shipping(store)),
  email: ({ store, mailer }: Surroundings): Promise<AsyncDisposable> =>
    runConsumer(store, emailOnOrderShipped({ store, mailer })),
  cache: ({ store, cache }: Surroundings): Promise<AsyncDisposable> => runConsumer(store, orderCache({ store, cache })),
  shipments: ({ store, db }: Surroundings): Promise<AsyncDisposable> => runReadModel(store, shipments, { db }),
} as const;

export type ServiceName = keyof typeof services;

/** Runs some services until what it gives is disposed of. */
export async function runServices(names: readonly ServiceName[], around: Surroundings): Promise<AsyncDisposable> {
  const running = new AsyncDisposableStack();
  try {
    for (const name of names) running.use(await services[name](around));
  } catch (error) {
    await running[Symbol.asyncDispose]();
    throw error;
  }
  return running;
}
