/** What the command `daybook` should know of this shop: its services by name, and how their databases are opened. */
import { DatabaseSync } from 'node:sqlite';

import type { EventStore } from 'daybook';
import { memoryStateCache } from 'daybook/decider';
import { nodeSqliteDialect } from 'daybook/read-model';
import { Kysely } from 'kysely';

import { emailOnOrderShipped } from './email-on-order-shipped.ts';
import { orderCache } from './order-cache.ts';
import { picking } from './picking.ts';
import { shipments, type ShopTables } from './shipments.ts';
import { shipping } from './shipping.ts';

export const consumers = [
  { consumer: picking, effects: 'in-log' },
  { consumer: shipping, effects: 'in-log' },
  { consumer: (store: EventStore) => orderCache({ store, cache: memoryStateCache() }), effects: 'in-log' },
  (store: EventStore) => emailOnOrderShipped({ store, mailer: { send: async () => {} } }),
];

export const readModels = [
  {
    model: shipments,
    db: () => new Kysely<ShopTables>({ dialect: nodeSqliteDialect(new DatabaseSync('data/shipments.db')) }),
  },
];
