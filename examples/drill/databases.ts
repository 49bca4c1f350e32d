import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { nodeSqliteDialect, pgDialect } from 'daybook/read-model';
import { Kysely, sql, type KyselyPlugin } from 'kysely';
import { Client, Pool } from 'pg';

import { moment } from './moments.ts';
import type { ShopTables } from './shipments.ts';

/** Opens the database at a location: a path, or a `postgres:` URL. */
export function openDatabase(location: string): Kysely<ShopTables> {
  return (location.startsWith('postgres:') ? openPostgres(location) : openSqlite(location)).withPlugin(moments);
}

/** Each statement is a moment. */
const moments: KyselyPlugin = {
  transformQuery: ({ node }) => {
    moment();
    return node;
  },
  transformResult: async ({ result }) => result,
};

function openSqlite(path: string): Kysely<ShopTables> {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  return new Kysely({ dialect: nodeSqliteDialect(database) });
}

function openPostgres(connectionString: string): Kysely<ShopTables> {
  const pool = new Pool({ connectionString, max: 4, pipeline: true });
  // Node ends a process in which nobody listens when a connection is cut. The next statement says what happened.
  pool.on('error', () => {});
  pool.on('connect', (client) => client.on('error', () => {}));
  return new Kysely({ dialect: pgDialect(pool) });
}

/** The same place under another name. */
export function named(location: string, name: string): string {
  if (!location.startsWith('postgres:')) return location.replace(/[^/]*$/, `${name}.db`);
  const url = new URL(location);
  url.pathname = `/${name}`;
  return url.href;
}

/** Makes a copy of a database that nobody is connected to, if it is not there yet: all of it or nothing. */
export async function copyDatabase(from: string, to: string): Promise<void> {
  if (from.startsWith('postgres:')) return copyPostgres(from, to);
  if (existsSync(to)) return;
  rmSync(`${to}.part`, { force: true });
  const database = new DatabaseSync(from);
  database.prepare('VACUUM INTO ?').run(`${to}.part`);
  database.close();
  moment();
  renameSync(`${to}.part`, to);
}

/** Makes an empty database, if it is not there yet. */
export async function makeDatabase(location: string): Promise<void> {
  if (location.startsWith('postgres:')) await copyPostgres(named(location, 'template1'), location);
}

async function copyPostgres(from: string, to: string): Promise<void> {
  const client = new Client({ connectionString: named(from, 'postgres') });
  await client.connect();
  const [source, target] = [from, to].map((location) => new URL(location).pathname.slice(1));
  moment();
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [target]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${target} TEMPLATE ${source}`);
  moment();
  await client.end();
}

/** From now on the database refuses to change an order, as one with a full disk or a lost permission does. */
export async function refuseWrites(db: Kysely<ShopTables>, location: string): Promise<void> {
  if (!location.startsWith('postgres:')) {
    await sql`CREATE TRIGGER IF NOT EXISTS refusing BEFORE INSERT ON shipments
      BEGIN SELECT RAISE(ABORT, 'the database is read only'); END`.execute(db);
    return;
  }
  await sql`CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the database is read only'; END $$`.execute(db);
  await sql`CREATE OR REPLACE TRIGGER refusing BEFORE INSERT ON shipments
    FOR EACH ROW EXECUTE FUNCTION refuse()`.execute(db);
}
