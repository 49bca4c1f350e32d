import { readModel, type Handler, type ReadModel } from 'daybook/read-model';
import { sql, type Kysely } from 'kysely';

/** The tables of the simulated read model. */
export interface Tables {
  readonly orders: {
    readonly id: string;
    readonly changes: number;
    readonly total: number;
    /** Another number for every other order of the same events. */
    readonly trail: number;
  };
  readonly kinds: { readonly kind: string; readonly seen: number };
}

/** What its events say. */
export interface Data {
  readonly id: string;
  readonly amount: number;
}

/** An event of its sources, as the simulation knows it. */
export interface Known {
  readonly id: string;
  readonly position: bigint;
  readonly type: string;
  readonly data: Data;
  /** When it was appended, by the one clock that never jumps. */
  readonly atMs: number;
}

/** The code that runs: the second one counts amounts double. */
export type Version = 1 | 2;

const sources = ['$ce-Order', '$et-PaymentTaken'] as const;
const modulus = 1_000_003;

/** The read model. `before` is called before every event. */
export function simulatedModel(version: Version, before: (data: Data) => void): ReadModel {
  const changed = (type: string): Handler<{ readonly data: unknown }, Tables> => {
    return async ({ data }, tx) => {
      const { id, amount } = data as Data; // Written by the simulation.
      before({ id, amount });
      await tx
        .insertInto('kinds')
        .values({ kind: type, seen: 1 })
        .onConflict((conflict) =>
          conflict.column('kind').doUpdateSet({ seen: sql<number>`${sql.ref('kinds.seen')} + 1` }),
        )
        .execute();
      if (type === 'OrderCancelled') {
        await tx.deleteFrom('orders').where('id', '=', id).execute();
        return;
      }
      const added = amount * version;
      const first = { id, changes: 1, total: added, trail: amount };
      await tx
        .insertInto('orders')
        .values(first)
        .onConflict((conflict) =>
          conflict.column('id').doUpdateSet({
            changes: sql<number>`${sql.ref('orders.changes')} + 1`,
            total: sql<number>`${sql.ref('orders.total')} + ${added}`,
            trail: sql<number>`(${sql.ref('orders.trail')} * 31 + ${amount}) % ${modulus}`,
          }),
        )
        .execute();
    };
  };
  return readModel('orders', {
    from: sources,
    tables: { orders: { key: ['id'] }, kinds: { key: ['kind'] } },
    migrate: async (db: Kysely<Tables>) => {
      await db.schema
        .createTable('orders')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('changes', 'integer')
        .addColumn('total', 'integer')
        .addColumn('trail', 'integer')
        .execute();
      await db.schema
        .createTable('kinds')
        .addColumn('kind', 'text', (column) => column.primaryKey())
        .addColumn('seen', 'integer')
        .execute();
    },
    on: {
      OrderPlaced: changed('OrderPlaced'),
      OrderCancelled: changed('OrderCancelled'),
      PaymentTaken: changed('PaymentTaken'),
    },
    version: String(version),
  });
}

/** What the tables must hold, by a fold that shares nothing with the read model. */
export class Fold {
  readonly #orders: Map<string, Omit<Tables['orders'], 'id'>>;
  readonly #kinds: Map<string, number>;

  constructor(before?: Fold) {
    this.#orders = new Map(before === undefined ? [] : before.#orders);
    this.#kinds = new Map(before === undefined ? [] : before.#kinds);
  }

  add({ type, data }: Known, version: Version): void {
    const { id, amount } = data;
    this.#kinds.set(type, (this.#kinds.get(type) ?? 0) + 1);
    const order = this.#orders.get(id);
    if (type === 'OrderCancelled') this.#orders.delete(id);
    else if (order === undefined) this.#orders.set(id, { changes: 1, total: amount * version, trail: amount });
    else {
      const { changes, total, trail } = order;
      const next = { changes: changes + 1, total: total + amount * version, trail: (trail * 31 + amount) % modulus };
      this.#orders.set(id, next);
    }
  }

  /** The same for the same rows. */
  text(): string {
    const orders = [...this.#orders].map(([id, { changes, total, trail }]) => `${id} ${changes} ${total} ${trail}`);
    return [...orders.toSorted(), ...[...this.#kinds].map(([kind, seen]) => `${kind} ${seen}`).toSorted()].join('\n');
  }
}
