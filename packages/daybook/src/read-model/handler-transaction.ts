import {
  DefaultQueryExecutor,
  DummyDriver,
  Transaction,
  type ConnectionProvider,
  type Dialect,
  type KyselyPlugin,
} from 'kysely';

import type { UntypedTables } from './read-model.ts';

/** A way to a transaction: what a handler is given to write through. */
export interface Way {
  readonly connections: ConnectionProvider;
  readonly plugin: KyselyPlugin;
}

/** Makes transactions for handlers of one that has begun, each with a way to the database of its own. */
export function transactionsOf(tx: Transaction<UntypedTables>): (way: Way) => Transaction<UntypedTables> {
  const begun = tx.getExecutor();
  const dialect: Dialect = {
    createAdapter: () => begun.adapter,
    createDriver: () => new DummyDriver(), // Statements go through the executor; a transaction begins no other.
    createIntrospector: () => tx.introspection,
    createQueryCompiler: () => begun,
  };
  const parts = { dialect, driver: dialect.createDriver(), config: { dialect } };
  return ({ connections, plugin }) => {
    const executor = new DefaultQueryExecutor(begun, begun.adapter, connections, [...begun.plugins, plugin]);
    return new Transaction<UntypedTables>({ ...parts, executor });
  };
}
