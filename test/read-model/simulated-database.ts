import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { nodeSqliteDialect } from 'daybook/read-model';
import {
  Kysely,
  SqliteAdapter,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';

/** What may go wrong between a client and the database. Chances from 0 to 1. */
export interface Faults {
  /** A statement fails, and nothing of it happens. */
  readonly statement: number;
  /** The connection breaks during a commit: half of the time after it, and the client cannot know. */
  readonly commit: number;
}

/** One client of the database, as a process is. */
export interface Client<Tables> {
  readonly db: Kysely<Tables>;
  /** From now on, or until it is called without one, every statement fails with this. */
  break(error?: Error): void;
  /** Nothing goes on in this client until it is broken, or mended. What it had begun is rolled back. */
  sleep(): void;
}

/** What a database held at some time. */
export type Copy = readonly { readonly sql: string; readonly table: string; readonly rows: readonly Row[] }[];

type Row = Readonly<Record<string, SQLInputValue>>;

export interface SimulatedDatabaseOptions {
  readonly random: () => number;
  /** Default: none. */
  readonly faults?: () => Faults;
}

/** Everything goes well. */
export const noFaults: Faults = { statement: 0, commit: 0 };

/**
 * A database server in this process: SQLite in memory, with clients that take turns. Nothing in it waits for real time,
 * so that the same seed gives the same run.
 */
export class SimulatedDatabase implements Disposable {
  readonly random: () => number;
  readonly faults: () => Faults;
  #database = new DatabaseSync(':memory:');
  readonly #statements = new Map<string, StatementSync>();
  #generation = 0;
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  constructor({ random, faults = () => noFaults }: SimulatedDatabaseOptions) {
    this.random = random;
    this.faults = faults;
  }

  /** Grows when every connection is cut. */
  get generation(): number {
    return this.#generation;
  }

  /** A client. `committed` is called after everything that it brought into the database, when others see it. */
  connect<Tables>(committed: () => void): Client<Tables> {
    const driver = new ClientDriver(this, committed);
    const dialect = {
      ...nodeSqliteDialect(this.#database),
      createDriver: () => driver,
      createAdapter: () => new ServerAdapter(),
    };
    const db = new Kysely<Tables>({ dialect });
    return { db, break: (error) => driver.break(error), sleep: () => driver.sleep() };
  }

  /** What everybody sees now, past all clients. Nobody may be in a transaction. */
  rows(sql: string): readonly unknown[] {
    return this.#prepared(sql).all();
  }

  run(sql: string, parameters: readonly SQLInputValue[] = []): QueryResult<never> {
    const statement = this.#prepared(sql);
    if (statement.columns().length > 0) return { rows: statement.all(...parameters) as never[] };
    const { changes } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes) };
  }

  #prepared(sql: string): StatementSync {
    const found = this.#statements.get(sql);
    if (found !== undefined) return found;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  copy(): Copy {
    const tables = this.rows("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name");
    return (tables as readonly { readonly name: string; readonly sql: string }[]).map(({ name, sql }) => {
      return { sql, table: name, rows: this.rows(`SELECT * FROM "${name}"`) as readonly Row[] };
    });
  }

  /** Replaces everything by what was there before. All connections are cut, as when a server is restored. */
  restore(copy: Copy): void {
    this.#generation += 1;
    this.#statements.clear();
    this.#database.close();
    this.#database = new DatabaseSync(':memory:');
    for (const { sql, table, rows } of copy) {
      this.#database.exec(sql);
      for (const row of rows) {
        const columns = Object.keys(row).map((column) => `"${column}"`);
        const places = columns.map(() => '?');
        this.run(`INSERT INTO "${table}" (${columns.join()}) VALUES (${places.join()})`, Object.values(row));
      }
    }
  }

  async take(): Promise<void> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
  }

  giveBack(): void {
    this.#isTaken = false;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#isTaken = true;
    next();
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

/** Connections of a server may fail to open: Kysely's own turn-taking, for one connection, does not go on then. */
class ServerAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** What a client gets when its connection is cut. */
function connectionLost(): Error {
  return Object.assign(new Error('The connection was cut.'), { code: 'ECONNRESET' });
}

class ClientDriver implements Driver {
  readonly #server: SimulatedDatabase;
  readonly #committed: () => void;
  #outage: Error | undefined;
  #awake = Promise.withResolvers<void>();
  #isAsleep = false;
  /** The connection that has its turn at the database. */
  #current: Connection | undefined;

  constructor(server: SimulatedDatabase, committed: () => void) {
    this.#server = server;
    this.#committed = committed;
  }

  break(error?: Error): void {
    this.#outage = error;
    this.#isAsleep = false;
    this.#awake.resolve();
    if (error !== undefined) this.#cut();
  }

  sleep(): void {
    if (this.#isAsleep) return;
    this.#isAsleep = true;
    this.#awake = Promise.withResolvers();
    this.#cut();
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    await this.#pass();
    await this.#server.take();
    while (this.#isAsleep) {
      this.#server.giveBack();
      await this.#pass();
      await this.#server.take();
    }
    this.#current = new Connection(this.#server, () => this.#pass());
    return this.#current;
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await (connection as Connection).run('BEGIN IMMEDIATE');
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    const { random, faults } = this.#server;
    const mine = connection as Connection; // Made above.
    const breaks = random() < faults().commit;
    if (breaks && random() < 0.5) {
      mine.cut();
      throw connectionLost();
    }
    await mine.run('COMMIT');
    if (!breaks) return;
    mine.cut();
    this.#committed();
    throw connectionLost();
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    const mine = connection as Connection; // Made above.
    if (!mine.isCut && this.#server.isInTransaction) await mine.run('ROLLBACK');
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const mine = connection as Connection; // Made above.
    if (mine.isCut) return;
    const hasWritten = mine.hasWritten && !this.#server.isInTransaction;
    mine.cut();
    if (hasWritten) this.#committed();
  }

  async destroy(): Promise<void> {}

  #cut(): void {
    this.#current?.cut();
  }

  async #pass(): Promise<void> {
    while (this.#isAsleep) await this.#awake.promise;
    if (this.#outage !== undefined) throw this.#outage;
  }
}

class Connection implements DatabaseConnection {
  readonly #server: SimulatedDatabase;
  readonly #pass: () => Promise<void>;
  readonly #generation: number;
  #isCut = false;
  #hasWritten = false;

  constructor(server: SimulatedDatabase, pass: () => Promise<void>) {
    this.#server = server;
    this.#pass = pass;
    this.#generation = server.generation;
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  get hasWritten(): boolean {
    return this.#hasWritten;
  }

  /** The server rolls back what was not committed, and serves the next one. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    if (this.#generation === this.#server.generation && this.#server.isInTransaction) this.#server.run('ROLLBACK');
    this.#server.giveBack();
  }

  async executeQuery<Found>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Found>> {
    const { random, faults } = this.#server;
    if (random() < faults().statement) throw Object.assign(new Error('It is the victim.'), { code: '40P01' });
    return this.run(sql, parameters.map(value));
  }

  async run(sql: string, parameters: readonly SQLInputValue[] = []): Promise<QueryResult<never>> {
    await this.#pass();
    if (this.#isCut || this.#generation !== this.#server.generation) throw connectionLost();
    this.#hasWritten ||= /^(?:insert|update|delete|create|drop|alter)/i.test(sql);
    return this.#server.run(sql, parameters);
  }

  async *streamQuery(): AsyncIterableIterator<never> {}
}

function value(given: unknown): SQLInputValue {
  return typeof given === 'boolean' ? Number(given) : (given as SQLInputValue); // What is no such, SQLite refuses.
}
