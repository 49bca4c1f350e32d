import { Connection } from './base-connection.ts';
import { IndexDamaged } from './errors.ts';
import { noTombstones } from './marked-streams.ts';
import { applicationId } from './migrations/log-formats.ts';
import { streamRow, type StoredBlock, type StreamRow } from './rows.ts';

/** The layout of the index file. One of another layout is made again. */
const layout = 3;

const schema = `
  CREATE TABLE streams (
    name      TEXT    PRIMARY KEY,
    id        INTEGER NOT NULL,
    tombstone INTEGER,
    first     INTEGER,
    places    BLOB
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE blocks (
    stream_id INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    places    BLOB    NOT NULL,
    PRIMARY KEY (stream_id, first)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${layout};
`;

/** The index file, for whoever keeps it. It can be deleted at any time: it is made again from the log. */
export class IndexConnection extends Connection {
  /** Makes an empty index in a file that does not exist yet. */
  create(id: string): void {
    this.database.exec(schema);
    this.setMeta('id', id);
    this.setMeta('tombstones', noTombstones);
    this.database.exec('PRAGMA journal_mode = WAL');
  }

  settle(): void {
    this.set({ journal_mode: 'wal', synchronous: 1, wal_autocheckpoint: 16_000, cache_size: -65_536 });
  }

  /** @throws IndexDamaged when this is an index of another layout, or none. */
  check(): void {
    const found = this.one('PRAGMA user_version')?.[0];
    if (found !== layout || this.id() === undefined) throw new IndexDamaged(`it has the layout ${String(found)}`);
  }

  /** Every index that is made has another one. */
  id(): string | undefined {
    return this.meta().get('id');
  }

  /** Everything up to here is indexed. */
  indexed(): number {
    return Number(this.meta().get('indexed') ?? 0);
  }

  meta(): ReadonlyMap<string, string> {
    return new Map(this.all('SELECT key, value FROM meta ORDER BY key LIMIT 100') as [string, string][]);
  }

  setMeta(key: string, value: string): void {
    this.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value);
  }

  /** A stream with its last block. */
  findStream(name: string): StreamRow | undefined {
    return streamRow(this.one('SELECT id, tombstone, first, places FROM streams WHERE name = ?', name));
  }

  lastStreamId(): number {
    return Number(this.meta().get('last_stream_id') ?? 0);
  }

  putStream(name: string, { id, tombstone, lastBlock }: StreamRow): void {
    const sql = 'INSERT OR REPLACE INTO streams (name, id, tombstone, first, places) VALUES (?, ?, ?, ?, ?)';
    this.run(sql, name, id, tombstone ?? null, lastBlock?.first ?? null, lastBlock?.bytes ?? null);
  }

  /** Stores a block of a stream that others follow. */
  putBlock(streamId: number, { first, bytes }: StoredBlock): void {
    this.run('INSERT OR REPLACE INTO blocks (stream_id, first, places) VALUES (?, ?, ?)', streamId, first, bytes);
  }
}
