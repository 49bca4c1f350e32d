import { position } from 'daybook';
import { runReadModel, sqliteDatabase, type ReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';

import type { ConfiguredModel, ModelDatabase } from '../../config/config.ts';
import { pace, repairBudgetMs, type Plan } from '../plan.ts';
import { Mischief, refused } from './mischief.ts';
import { follow, nameOf } from './voice.ts';

/** Events in one transaction: few, so that there is something on both sides of a fault. */
const batchSize = 25;

/** Runs a read model as its service would, with a fault, until the game day says that it is over. */
export async function playModel(plan: Plan, { model, scratch }: ConfiguredModel): Promise<void> {
  const mischief = new Mischief(plan.fault);
  await using store = await openSqliteStore(plan.log);
  const own = scratch === undefined ? sqliteDatabase<never>(plan.tables) : await scratch();
  const db = counted(breakable(own, mischief), mischief);
  try {
    await using run = await runReadModel(store, troubled(model, mischief), {
      db,
      batchSize,
      leaseMs: plan.leaseMs,
      heartbeatMs: plan.heartbeatMs,
      freshnessMs: pace.freshnessMs,
      pollMs: 50,
      retry: { firstDelayMs: pace.firstDelayMs, longestDelayMs: pace.longestDelayMs },
    });
    await follow(async () => {
      const head = (await store.head()).position ?? position(0n);
      await run.reached(head, { timeoutMs: repairBudgetMs });
      const { handled, statements } = mischief;
      return { kind: 'reached', handled, statements };
    });
  } finally {
    await own.destroy();
  }
}

/** The same read model, whose handlers come to the fault first. */
function troubled(model: ReadModel, mischief: Mischief): ReadModel {
  const on = Object.fromEntries(
    Object.entries(model.on).map(([type, handler]): [string, ReadModel['on'][string]] => [
      type,
      async (event, tx) => {
        await mischief.before({ id: event.id, ...nameOf(event) });
        return handler?.(event, tx);
      },
    ]),
  );
  return { ...model, on };
}

function counted(db: ModelDatabase, mischief: Mischief): ModelDatabase {
  return db.withPlugin({
    transformQuery: ({ node }) => {
      mischief.statement();
      return node;
    },
    transformResult: async ({ result }) => result,
  });
}

/** What begins something new on a connection. */
const beginnings: ReadonlySet<PropertyKey> = new Set([
  'selectFrom',
  'insertInto',
  'updateTable',
  'deleteFrom',
  'mergeInto',
  'transaction',
  'startTransaction',
  'connection',
  'executeQuery',
  'with',
]);

/** The same database, which refuses everything while the fault lasts. */
function breakable(db: ModelDatabase, mischief: Mischief): ModelDatabase {
  return new Proxy(db, {
    get(target, name) {
      if (mischief.isDown && (beginnings.has(name) || name === 'schema' || name === 'introspection')) throw refused();
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      return (...given: readonly unknown[]): unknown => {
        const made: unknown = Reflect.apply(found, target, given);
        // What looks like the same database with other plugins is breakable too.
        return name === 'withPlugin' || name === 'withoutPlugins' ? breakable(made as ModelDatabase, mischief) : made;
      };
    },
  });
}
