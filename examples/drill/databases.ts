import { existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';

import { nodeSqliteDialect, pgDialect } from 'daybook/read-model';
import { Kysely, sql } from 'kysely';
import { Client, Pool } from 'pg';

import type { ShopTables } from './shipments.ts';

/** Opens the database at a location: a path, or a `postgres:` URL. */
export function openDatabase(location: string): Kysely<ShopTables> {
  if (location.startsWith('postgres:')) return openPostgres(location);
  const database = new DatabaseSync(location);
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
  renameSync(`${to}.part`, to);
}

async function copyPostgres(from: string, to: string): Promise<void> {
  const client = new Client({ connectionString: named(from, 'postgres') });
  await client.connect();
  const [source, target] = [from, to].map((location) => new URL(location).pathname.slice(1));
  const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [target]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${target} TEMPLATE ${source}`);
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
