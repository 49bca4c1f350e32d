import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { nodeSqliteDialect, pgDialect } from 'daybook/read-model';
import { Kysely, type LogEvent } from 'kysely';
import { Pool, type PoolConfig } from 'pg';

import { cannotStartPostgres, startPostgres, type Postgres } from '../services/postgres.ts';

/** A database of one test, and more connections to it. */
export interface TestDatabase<Tables> extends AsyncDisposable {
  readonly db: Kysely<Tables>;
  /** Where it is: a path or a URL. */
  readonly location: string;
  /** Another connection, as another process would have. */
  connect(): Kysely<Tables>;
  /** Puts a copy of the database, as it is now, somewhere else. Nobody may be writing. */
  copy(): Promise<TestDatabase<Tables>>;
}

/** A kind of database that read models are tested on. */
export interface DatabaseKind extends AsyncDisposable {
  readonly name: 'SQLite' | 'PostgreSQL';
  readonly skip: string | false;
  create<Tables>(): Promise<TestDatabase<Tables>>;
}

/** The kinds of databases, each started when the first test needs it. Dispose of each after the last test. */
export function databaseKinds(): readonly DatabaseKind[] {
  return [sqliteKind(), postgresKind()];
}

/** The same for what takes long: in CI both, else SQLite. */
export function databaseKindsOfLongTests(): readonly DatabaseKind[] {
  return process.env['CI'] === 'true' ? databaseKinds() : [sqliteKind()];
}

/** A pool whose connections may be cut: the next statement says so. Node would end the process if nobody listened. */
export function listeningPool(settings: PoolConfig): Pool {
  const pool = new Pool(settings);
  pool.on('error', () => {}); // One that waits in the pool.
  pool.on('connect', (client) => client.on('error', () => {})); // One in use, or that the pool has let go.
  return pool;
}

/** Opens a database by its location. `afterEach` is called with each statement that was made. */
export function connectTo<Tables>(location: string, afterEach: (text: string) => void = () => {}): Kysely<Tables> {
  const log = ({ query }: LogEvent): void => afterEach(query.sql);
  if (location.startsWith('postgres:')) {
    const pool = listeningPool({ connectionString: location, max: 8, pipeline: true });
    return new Kysely({ dialect: pgDialect(pool), log });
  }
  const database = new DatabaseSync(location);
  database.exec('PRAGMA journal_mode = WAL');
  return new Kysely({ dialect: nodeSqliteDialect(database), log });
}

function sqliteKind(): DatabaseKind {
  return {
    name: 'SQLite',
    skip: false,
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'daybook-read-model-'));
      return opened(join(folder, 'model.db'), {
        copy: async (from) => {
          const target = join(folder, `${crypto.randomUUID()}.db`);
          const database = new DatabaseSync(from);
          database.prepare('VACUUM INTO ?').run(target);
          database.close();
          return target;
        },
        remove: () => rm(folder, { recursive: true, force: true }),
      });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

function postgresKind(): DatabaseKind {
  let started: Promise<Postgres> | undefined;
  const postgres = (): Promise<Postgres> => (started ??= startPostgres());
  return {
    name: 'PostgreSQL',
    skip: cannotStartPostgres(),
    async create() {
      return opened(await (await postgres()).createDatabase(), {
        copy: async (from) => (await postgres()).createDatabase(from),
        remove: async () => {},
      });
    },
    [Symbol.asyncDispose]: async () => (await started)?.[Symbol.asyncDispose](),
  };
}

interface Ways {
  readonly copy: (from: string) => Promise<string>;
  readonly remove: () => Promise<void>;
}

function opened<Tables>(location: string, ways: Ways): TestDatabase<Tables> {
  let connections: Kysely<Tables>[] = [];
  const connect = (): Kysely<Tables> => {
    const db = connectTo<Tables>(location);
    connections.push(db);
    return db;
  };
  const disconnect = async (): Promise<void> => {
    await Promise.all(connections.map((db) => db.destroy()));
    connections = [];
  };
  let db = connect();
  return {
    get db() {
      return db;
    },
    location,
    connect,
    async copy() {
      await disconnect(); // A database is copied while nobody is connected to it.
      const target = await ways.copy(location);
      db = connect();
      return opened<Tables>(target, { ...ways, remove: async () => {} });
    },
    async [Symbol.asyncDispose]() {
      await disconnect();
      await ways.remove();
    },
  };
}
