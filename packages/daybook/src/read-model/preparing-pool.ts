import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from 'kysely';

import { codeOf } from '../consumer/failures.ts';

/** A query as `pg` takes it besides Kysely's way. One with a name is prepared the first time. */
interface NamedQuery {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/** How `pg` gets to the server. Not a part of what it promises: where it is another way, each statement is a packet. */
interface Connected {
  readonly connection?: { readonly stream?: { cork?(): void; uncork?(): void } };
}

type Query = (query: NamedQuery) => Promise<PostgresQueryResult<unknown>>;

/** The pool, with connections that prepare what they are given again and again. */
export function preparingPool(pool: PostgresPool): PostgresPool {
  const clients = new WeakMap<PostgresPoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    ...(pool.Client && { Client: pool.Client }),
    async connect() {
      const client = await pool.connect();
      const known = clients.get(client) ?? preparing(client);
      clients.set(client, known);
      return known;
    },
    end: () => pool.end(),
  };
}

/** The client, with names for the statements that come again. */
function preparing(client: PostgresPoolClient): PostgresPoolClient {
  const names = new StatementNames();
  const gather = gathering(client as Connected); // A client of `pg`, as of today.
  const named = client.query.bind(client) as unknown as Query; // `pg` takes both; Kysely's types know one.
  const query = async (sql: string, parameters: readonly unknown[]): Promise<unknown> => {
    if (names.areOld && /^(?:begin|start transaction)\b/.test(sql)) {
      names.renew();
      await client.query('DISCARD PLANS', []);
    }
    gather();
    const name = names.of(sql);
    if (name === undefined) return client.query(sql, parameters);
    try {
      return await named({ name, text: sql, values: parameters });
    } catch (error) {
      if (mayBeUnprepared(error)) names.forget(sql);
      throw error;
    }
  };
  return {
    ...(client.processID !== undefined && { processID: client.processID }),
    query: query as PostgresPoolClient['query'], // Without a cursor, which the dialect has none of.
    // Prepared statements go with their connection, and a new one has room for others.
    release: (destroy) => client.release(destroy === true || names.areUsedUp),
  };
}

/** What a statement that is prepared fails with as often as one that is not: a constraint, or another one has failed. */
const innocent = /^(?:23...|25P02)$/;

/** Whether its name may have to do with it: `pg` takes the name from a statement whose values it cannot make text of. */
function mayBeUnprepared(error: unknown): boolean {
  return !innocent.test(codeOf(error) ?? '');
}

/** Sends what comes in one turn of the event loop together: to send costs more than to make a statement. */
function gathering({ connection: { stream } = {} }: Connected): () => void {
  let isGathering = false;
  return () => {
    if (isGathering || stream?.cork === undefined) return;
    isGathering = true;
    stream.cork();
    process.nextTick(() => {
      isGathering = false;
      stream.uncork?.();
    });
  };
}

/** Statements that stay prepared on one connection, and statements that came once. */
const namesAtMost = 200;
/** Plans are made anew after so many statements: those of a table that was empty are of no use once it is full. */
const planUses = 1_000;

class StatementNames {
  readonly #names = new Map<string, string>();
  readonly #once = new Set<string>();
  #made = 0;
  #uses = 0;

  /** The name under which a statement is prepared. None for one that has not come before, or gives rows. */
  of(sql: string): string | undefined {
    const known = this.#names.get(sql);
    if (known !== undefined) {
      this.#uses += 1;
      return known;
    }
    if (!isPlainWrite(sql)) return undefined;
    if (this.#once.delete(sql) && !this.areUsedUp) {
      this.#made += 1;
      const name = `daybook_${this.#made}`;
      this.#names.set(sql, name);
      return name;
    }
    this.#once.add(sql);
    const [oldest] = this.#once;
    if (this.#once.size > namesAtMost && oldest !== undefined) this.#once.delete(oldest);
    return undefined;
  }

  /** The next time it gets another name. The connection may still have the old one. */
  forget(sql: string): void {
    this.#names.delete(sql);
  }

  get areUsedUp(): boolean {
    return this.#made >= namesAtMost;
  }

  get areOld(): boolean {
    return this.#uses >= planUses;
  }

  renew(): void {
    this.#uses = 0;
  }
}

/** One that gives rows cannot stay prepared: when its table gets another column, PostgreSQL refuses it from then on. */
function isPlainWrite(sql: string): boolean {
  return /^(?:insert|update|delete)\b/.test(sql) && !/\breturning\b/i.test(sql);
}
