import { rmSync } from 'node:fs';
import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** What SQLite does at best: one table of two columns, by the same driver, with the same durability. */
export class RawTable implements Disposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;

  constructor(path: string) {
    this.#path = path;
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536');
    this.#database.exec('PRAGMA wal_autocheckpoint = 16000');
    this.#database.exec('CREATE TABLE IF NOT EXISTS raw (position INTEGER PRIMARY KEY, data BLOB NOT NULL)');
    this.#insert = this.#database.prepare('INSERT INTO raw (data) VALUES (?)');
    this.#begin = this.#database.prepare('BEGIN IMMEDIATE');
    this.#commit = this.#database.prepare('COMMIT');
  }

  /** One durable commit of all rows. */
  commit(rows: readonly Uint8Array[]): void {
    this.#begin.run();
    for (const row of rows) this.#insert.run(row);
    this.#commit.run();
  }

  /** Commits many rows and does not wait for the disk. */
  fill(count: number, body: () => Uint8Array): void {
    this.#database.exec('PRAGMA synchronous = OFF');
    for (let left = count; left > 0; left -= 10_000) {
      this.commit(Array.from({ length: Math.min(left, 10_000) }, body));
    }
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL');
  }

  /** All rows in order: how many, once each was handed to JavaScript. */
  scan(): number {
    let rows = 0;
    for (const row of this.#database.prepare('SELECT position, data FROM raw ORDER BY position').iterate()) {
      if (row['data'] !== null) rows++;
    }
    return rows;
  }

  /** A read of certain rows, by a list of their positions that is a table too. */
  reader(positions: readonly bigint[]): () => readonly Record<string, unknown>[] {
    const list = `list_${crypto.randomUUID().replaceAll('-', '')}`;
    this.#database.exec(`CREATE TEMP TABLE ${list} (number INTEGER PRIMARY KEY, position INTEGER NOT NULL)`);
    const add = this.#database.prepare(`INSERT INTO ${list} (position) VALUES (?)`);
    this.#begin.run();
    for (const position of positions) add.run(position);
    this.#commit.run();
    const rows = this.#database.prepare(
      `SELECT raw.position, raw.data FROM ${list} JOIN raw ON raw.position = ${list}.position ORDER BY number`,
    );
    return () => rows.all();
  }

  [Symbol.dispose](): void {
    this.#database.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(this.#path + suffix, { force: true });
  }
}
