import type { SQLInputValue } from 'node:sqlite';

import { Connection, type Settings } from './base-connection.ts';
import { applicationId, logFormats, newestFormat } from './migrations/log-formats.ts';
import {
  storedBlock,
  streamRow,
  type LogMeta,
  type Seam,
  type SealRow,
  type StoredBlock,
  type StreamRow,
} from './rows.ts';
import { indexError } from './sql-error.ts';

const logSettings: Settings = {
  journal_mode: 'wal',
  synchronous: 1, // NORMAL.
  fullfsync: 1,
  checkpoint_fullfsync: 1,
  wal_autocheckpoint: 0,
  cache_size: -16_384,
};

/** To hand a statement to SQLite takes as long as to do it: so many events are inserted by one. */
const insertsAtOnce = 8;
const insertOne = 'INSERT INTO events (position, record) VALUES (?, ?)';
const insertSome = `INSERT INTO events (position, record) VALUES ${Array.from({ length: insertsAtOnce }, () => '(?, ?)').join(', ')}`;

/** The log file. Positions and revisions are plain numbers here: a log of 2^53 events does not fit on a disk. */
export class LogConnection extends Connection {
  /** What is inserted before anything else is done: positions and records in turns. */
  readonly #inserts: (number | Uint8Array)[] = [];

  /**
   * Makes an empty log in a file that does not exist yet. Once this connection is closed, all of it is in the file
   * itself, and nobody has to change how it is written: two processes that do so at once are in each other's way.
   */
  create(logId: string): void {
    this.database.exec(
      `PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA application_id = ${applicationId}`,
    );
    this.migrate();
    this.run("INSERT INTO meta (key, value) VALUES ('log_id', ?), ('epoch', '0')", logId);
    this.database.exec('PRAGMA journal_mode = WAL');
  }

  /**
   * Makes the newest format out of an older one, each format in one transaction with its number. Whoever is interrupted
   * leaves a whole format behind; of several processes that do so at once, each format is made by one.
   */
  migrate(): void {
    while (this.format() < newestFormat) {
      this.begin();
      try {
        const format = this.format(); // Looked at again: another process may have made the next one.
        const next = logFormats[format];
        if (next !== undefined) this.database.exec(`${next.sql} PRAGMA user_version = ${format + 1}`);
        this.commit();
      } finally {
        this.rollback();
      }
    }
  }

  format(): number {
    return this.one('PRAGMA user_version')?.[0] as number; // SQLite gives one row with one number.
  }

  /**
   * Sets how commits are written. `synchronous = NORMAL` writes a commit to the write-ahead log and leaves the sync to
   * the caller: it is not durable before. Checkpoints sync by themselves.
   */
  settle(): void {
    this.set(logSettings);
  }

  sqliteVersion(): string {
    return String(this.one('SELECT sqlite_version()')?.[0]);
  }

  meta(): LogMeta {
    const rows = new Map(this.all('SELECT key, value FROM meta ORDER BY key LIMIT 100') as [string, string][]);
    return { logId: rows.get('log_id') ?? '', epoch: Number(rows.get('epoch') ?? 0) };
  }

  setEpoch(epoch: number): void {
    this.run("UPDATE meta SET value = ? WHERE key = 'epoch'", String(epoch));
  }

  lastPosition(): number {
    return (this.one('SELECT max(position) FROM events')?.[0] as number | null) ?? 0;
  }

  /** Inserts an event: at the latest before the next statement of this connection. */
  insertEvent(position: number, record: Uint8Array): void {
    this.#inserts.push(position, record);
    if (this.#inserts.length === insertsAtOnce * 2) super.run(insertSome, ...this.#inserts.splice(0));
  }

  override rollback(): void {
    this.#inserts.length = 0;
    super.rollback();
  }

  protected override run(sql: string, ...values: readonly SQLInputValue[]): void {
    this.#insertNow();
    super.run(sql, ...values);
  }

  protected override one(sql: string, ...values: readonly SQLInputValue[]): readonly unknown[] | undefined {
    this.#insertNow();
    return super.one(sql, ...values);
  }

  protected override all(sql: string, ...values: readonly SQLInputValue[]): readonly (readonly unknown[])[] {
    this.#insertNow();
    return super.all(sql, ...values);
  }

  #insertNow(): void {
    const inserts = this.#inserts;
    for (let at = 0; at < inserts.length; at += 2) super.run(insertOne, inserts[at]!, inserts[at + 1]!);
    inserts.length = 0;
  }

  /** Does what nobody else may: to replace records and seals, in the transaction that is open. */
  scavenging<Result>(work: () => Result): Result {
    this.run("INSERT INTO meta (key, value) VALUES ('scavenging', '1')");
    try {
      return work();
    } finally {
      this.run("DELETE FROM meta WHERE key = 'scavenging'");
    }
  }

  /** Removes the old row first: SQLite joins pages that are nearly empty when a row is deleted, not when it shrinks. */
  replaceRecord(position: number, record: Uint8Array): void {
    this.run('DELETE FROM events WHERE position = ?', position);
    this.run(insertOne, position, record);
  }

  record(position: number): Uint8Array | null {
    return (this.one('SELECT record FROM events WHERE position = ?', position)?.[0] ?? null) as Uint8Array | null;
  }

  /** Rows from `first` to `last`, in the order of the log. */
  records(first: number, last: number, limit: number): readonly (readonly [number, Uint8Array])[] {
    const sql = 'SELECT position, record FROM events WHERE position >= ? AND position <= ? ORDER BY position LIMIT ?';
    return whole(this.all(sql, first, last, limit));
  }

  recordsBackwards(first: number, last: number, limit: number): readonly (readonly [number, Uint8Array])[] {
    const sql =
      'SELECT position, record FROM events WHERE position >= ? AND position <= ? ORDER BY position DESC LIMIT ?';
    return whole(this.all(sql, first, last, limit));
  }

  /** The sizes of the records in a stretch, with commas between them, and the records one behind the other. */
  joinedBetween(first: number, last: number): readonly unknown[] {
    const sql =
      "SELECT group_concat(length(record)), CAST(group_concat(record, '') AS BLOB) FROM events " +
      'WHERE position BETWEEN ? AND ?';
    return this.one(sql, first, last) ?? [];
  }

  /** The same for the records at some positions, which stand in a list in JSON, in its order. */
  joinedAt(positions: string): readonly unknown[] {
    const sql =
      "SELECT group_concat(length(e.record)), CAST(group_concat(e.record, '') AS BLOB) FROM json_each(?) p " +
      'CROSS JOIN events e ON e.position = p.value';
    return this.one(sql, positions) ?? [];
  }

  /** How many bytes each record has, in order, with commas between them. */
  recordSizes(first: number, last: number): unknown {
    return this.one('SELECT group_concat(length(record)) FROM events WHERE position BETWEEN ? AND ?', first, last)?.[0];
  }

  /** The same records as one value, one behind the other. */
  joinedRecords(first: number, last: number): unknown {
    const sql = "SELECT CAST(group_concat(record, '') AS BLOB) FROM events WHERE position BETWEEN ? AND ?";
    return this.one(sql, first, last)?.[0];
  }

  insertSeal({ segment, hash, seal, minCreatedMs, maxCreatedMs }: SealRow): void {
    this.run(
      'INSERT OR REPLACE INTO seals (segment, hash, seal, min_created, max_created) VALUES (?, ?, ?, ?, ?)',
      segment,
      hash,
      seal,
      minCreatedMs,
      maxCreatedMs,
    );
  }

  seals(after: number, limit: number): readonly SealRow[] {
    const sql =
      'SELECT segment, hash, seal, min_created, max_created FROM seals WHERE segment > ? ORDER BY segment LIMIT ?';
    return this.all(sql, after, limit).map(sealRow);
  }

  lastSeal(): SealRow | undefined {
    const sql = 'SELECT segment, hash, seal, min_created, max_created FROM seals ORDER BY segment DESC LIMIT 1';
    return this.all(sql).map(sealRow)[0];
  }

  /** Where the chain of seals is in two, while a scavenge is on its way. */
  seam(): Seam | undefined {
    const text = this.one("SELECT value FROM meta WHERE key = 'seam'")?.[0] as string | undefined; // By `setSeam`.
    const [segment, seal = ''] = text?.split(' ') ?? [];
    return segment === undefined ? undefined : { segment: Number(segment), seal: Buffer.from(seal, 'hex') };
  }

  setSeam(seam: Seam | undefined): void {
    if (seam === undefined) return this.run("DELETE FROM meta WHERE key = 'seam'");
    const text = `${seam.segment} ${Buffer.from(seam.seal).toString('hex')}`;
    this.run("INSERT OR REPLACE INTO meta (key, value) VALUES ('seam', ?)", text);
  }

  firstSealReaching(createdMs: number): number | undefined {
    const sql = 'SELECT segment FROM seals WHERE max_created >= ? ORDER BY segment LIMIT 1';
    return this.one(sql, createdMs)?.[0] as number | undefined;
  }

  lastSealReaching(createdMs: number): number | undefined {
    const sql = 'SELECT segment FROM seals WHERE min_created <= ? ORDER BY segment DESC LIMIT 1';
    return this.one(sql, createdMs)?.[0] as number | undefined;
  }

  copyInto(path: string): void {
    this.run('VACUUM main INTO ?', path);
  }

  // What follows reads the index, which is attached.

  /** Attaches the index, in place of the one that was attached before. */
  attachIndex(path: string): void {
    if (this.one("SELECT 1 FROM pragma_database_list WHERE name = 'ix'") !== undefined) this.run('DETACH ix');
    this.#inIndex(() => {
      this.run('ATTACH ? AS ix', path);
      this.database.exec('PRAGMA ix.cache_size = -65536');
    });
  }

  indexMeta(): ReadonlyMap<string, string> {
    return new Map(this.#indexAll('SELECT key, value FROM ix.meta ORDER BY key LIMIT 100') as [string, string][]);
  }

  checkIndex(): readonly string[] {
    return this.#indexAll('PRAGMA ix.integrity_check(10)').map(([text]) => String(text));
  }

  /** Many reads from one snapshot, which also costs less than a snapshot for each of them. */
  snapshot<Result>(read: () => Result): Result {
    if (this.database.isTransaction) return read();
    this.run('BEGIN');
    try {
      return read();
    } finally {
      this.rollback();
    }
  }

  /** A stream with its last block. */
  findStream(name: string): StreamRow | undefined {
    return streamRow(this.#indexOne('SELECT id, tombstone, first, places FROM ix.streams WHERE name = ?', name));
  }

  /** The blocks of a stream, but for its last one, that hold its numbers from `first` to `last`. */
  blocks(streamId: number, first: number, last: number): readonly StoredBlock[] {
    const sql =
      'SELECT first, places FROM ix.blocks WHERE stream_id = ?1 AND first <= ?3 AND first >= ' +
      'coalesce((SELECT max(first) FROM ix.blocks WHERE stream_id = ?1 AND first <= ?2), 0) ORDER BY first LIMIT 100000000';
    return this.#indexAll(sql, streamId, first, last).map(storedBlock);
  }

  /** The block of a stream, but for its last one, before one of its numbers. */
  blockBefore(streamId: number, number: number): StoredBlock | undefined {
    const sql = 'SELECT first, places FROM ix.blocks WHERE stream_id = ? AND first < ? ORDER BY first DESC LIMIT 1';
    const row = this.#indexOne(sql, streamId, number);
    return row && storedBlock(row);
  }

  metadataStreams(limit: number): readonly string[] {
    const sql = "SELECT name FROM ix.streams WHERE name >= '$$' AND name < '$%' ORDER BY name LIMIT ?";
    return this.#indexAll(sql, limit).map(([name]) => String(name));
  }

  /** Names from `from` on, in the order of their bytes. */
  streamNames(from: string, limit: number): readonly string[] {
    const sql = 'SELECT name FROM ix.streams WHERE name >= ? ORDER BY name LIMIT ?';
    return this.#indexAll(sql, from, limit).map(([name]) => String(name));
  }

  #indexOne(sql: string, ...values: readonly SQLInputValue[]): readonly unknown[] | undefined {
    return this.#inIndex(() => this.one(sql, ...values));
  }

  #indexAll(sql: string, ...values: readonly SQLInputValue[]): readonly (readonly unknown[])[] {
    return this.#inIndex(() => this.all(sql, ...values));
  }

  #inIndex<Result>(read: () => Result): Result {
    try {
      return read();
    } catch (error) {
      throw indexError(this.database.location() ?? '', error);
    }
  }
}

function sealRow(row: readonly unknown[]): SealRow {
  const [segment, hash, seal, minCreatedMs, maxCreatedMs] = row as [number, Uint8Array, Uint8Array, number, number];
  return { segment, hash, seal, minCreatedMs, maxCreatedMs };
}

/** Rows of records. A damaged page can hold what the table forbids: it stands for a record that is cut off. */
function whole(rows: readonly (readonly unknown[])[]): readonly (readonly [number, Uint8Array])[] {
  const isWhole = rows.every(([, record]) => record instanceof Uint8Array);
  return isWhole ? (rows as unknown as readonly (readonly [number, Uint8Array])[]) : rows.map(wholeRow); // Looked at.
}

function wholeRow(row: readonly unknown[]): readonly [number, Uint8Array] {
  const [at, record] = row;
  return [at as number, record instanceof Uint8Array ? record : noBytes]; // Positions are the key, so they are numbers.
}

const noBytes = new Uint8Array(0);
