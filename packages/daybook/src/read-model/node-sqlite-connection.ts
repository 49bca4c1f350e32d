import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';

import {
  IdentifierNode,
  RawNode,
  createQueryId,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely';

/** Statements that stay prepared. A read model runs the same few again and again. */
const preparedAtMost = 200;
const waitAtMostMs = 10_000;
/** For so long queries run before others have their turn. */
const turnMs = 5;
const busy = 5; // SQLITE_BUSY; its extended codes have it in the low byte.

/** Runs Kysely's queries on one connection of `node:sqlite`, one transaction at a time. */
export class NodeSqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #connection: NodeSqliteConnection;
  #isTaken = false;
  readonly #waiting: (() => void)[] = [];

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#connection = new NodeSqliteConnection(database);
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#isTaken = true;
    return this.#connection;
  }

  async beginTransaction(_connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    // Deferred, a transaction that reads first could not write any more once somebody else has.
    await this.#connection.run(settings.accessMode === 'read only' ? 'BEGIN DEFERRED' : 'BEGIN IMMEDIATE');
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.run('COMMIT');
  }

  async rollbackTransaction(): Promise<void> {
    // SQLite has rolled back already after some errors, such as a full disk.
    if (this.#database.isTransaction) await this.#connection.run('ROLLBACK');
  }

  async savepoint(
    _connection: DatabaseConnection,
    name: string,
    compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await this.#connection.executeQuery(savepointQuery('SAVEPOINT', name, compile));
  }

  async rollbackToSavepoint(
    _connection: DatabaseConnection,
    name: string,
    compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await this.#connection.executeQuery(savepointQuery('ROLLBACK TO', name, compile));
  }

  async releaseSavepoint(
    _connection: DatabaseConnection,
    name: string,
    compile: QueryCompiler['compileQuery'],
  ): Promise<void> {
    await this.#connection.executeQuery(savepointQuery('RELEASE', name, compile));
  }

  async releaseConnection(): Promise<void> {
    this.#isTaken = false;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#isTaken = true;
    next();
  }

  async destroy(): Promise<void> {
    this.#connection.forget();
    this.#database.close();
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();
  #turnEndsAt = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    if (performance.now() >= this.#turnEndsAt) await this.#letOthers();
    const bound = parameters.map(value);
    return unlessBusy(() => this.#execute<Row>(sql, bound));
  }

  #execute<Row>(sql: string, bound: readonly SQLInputValue[]): QueryResult<Row> {
    const { statement, givesRows } = this.#statement(sql);
    if (givesRows) return { rows: statement.all(...bound).map(withNumbers) as Row[] }; // The caller's types say what.
    const { changes, lastInsertRowid } = statement.run(...bound);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  async *streamQuery<Row>({ sql, parameters }: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    // A statement of its own: a shared one begins again when the same query runs meanwhile.
    const statement = prepare(this.#database, sql);
    for (const row of statement.iterate(...parameters.map(value))) yield { rows: [withNumbers(row) as Row] };
  }

  /** Runs a statement without rows or parameters. */
  async run(sql: string): Promise<void> {
    await unlessBusy(() => this.#database.exec(sql));
  }

  /** SQLite answers at once, so a long row of queries would never let timers and sockets have their turn. */
  async #letOthers(): Promise<void> {
    await turn();
    this.#turnEndsAt = performance.now() + turnMs;
  }

  forget(): void {
    this.#prepared.clear();
  }

  #statement(sql: string): Prepared {
    const found = this.#prepared.get(sql);
    if (found !== undefined) return found;
    const statement = prepare(this.#database, sql);
    const made = { statement, givesRows: statement.columns().length > 0 };
    const [oldest] = this.#prepared.keys();
    if (this.#prepared.size >= preparedAtMost && oldest !== undefined) this.#prepared.delete(oldest);
    this.#prepared.set(sql, made);
    return made;
  }
}

interface Prepared {
  readonly statement: StatementSync;
  readonly givesRows: boolean;
}

/** Tries again while another connection has the lock. Waiting inside of SQLite would stop the one that has it here. */
async function unlessBusy<Result>(work: () => Result): Promise<Result> {
  const end = performance.now() + waitAtMostMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    try {
      return work();
    } catch (error) {
      const code: unknown = error instanceof Error ? Reflect.get(error, 'errcode') : undefined;
      if (typeof code !== 'number' || (code & 0xff) !== busy || performance.now() > end) throw error;
    }
    await delay(pauseMs);
  }
}

function prepare(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true);
  return statement;
}

function value(given: unknown): SQLInputValue {
  if (typeof given === 'boolean') return given ? 1 : 0;
  if (given === undefined) return null;
  if (given instanceof Date) throw new TypeError('SQLite has no dates: bind toISOString() or getTime() of a Date.');
  return given as SQLInputValue; // Anything else that SQLite does not take, node:sqlite refuses.
}

/** The row with `number` for every whole number that is one. */
function withNumbers(row: Record<string, unknown>): Record<string, unknown> {
  for (const column in row) {
    const cell = row[column];
    if (typeof cell === 'bigint' && cell <= Number.MAX_SAFE_INTEGER && cell >= Number.MIN_SAFE_INTEGER) {
      row[column] = Number(cell);
    }
  }
  return row;
}

function savepointQuery(command: string, name: string, compile: QueryCompiler['compileQuery']): CompiledQuery {
  return compile(
    RawNode.createWithChildren([RawNode.createWithSql(`${command} `), IdentifierNode.create(name)]),
    createQueryId(),
  );
}
