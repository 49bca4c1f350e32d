import { Connection } from './connection.ts';
import { streamRow, type StoredBlock, type StreamRow } from './rows.ts';

/** The layout of the index file. One of another layout is emptied and built again. */
const layout = 2;

const schema = `
  CREATE TABLE IF NOT EXISTS streams (
    name      TEXT    PRIMARY KEY,
    id        INTEGER NOT NULL,
    tombstone INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS blocks (
    stream_id INTEGER NOT NULL,
    first     INTEGER NOT NULL,
    places    BLOB    NOT NULL,
    PRIMARY KEY (stream_id, first)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${layout};
`;

/** The index file, for whoever keeps it. It can be deleted at any time: it is made again from the log. */
export class IndexConnection extends Connection {
  /** Makes an empty index in a file that does not exist yet. */
  create(): void {
    this.database.exec(schema);
    this.database.exec('PRAGMA journal_mode = WAL');
  }

  settle(): void {
    this.database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 16000;' +
        'PRAGMA cache_size = -65536',
    );
    if (this.one('PRAGMA user_version')?.[0] === layout) return;
    this.begin();
    // Looked at again: another process may have been first.
    if (this.one('PRAGMA user_version')?.[0] !== layout) {
      for (const table of ['stream_events', 'streams', 'meta']) this.database.exec(`DROP TABLE IF EXISTS ${table}`);
      this.database.exec(schema);
    }
    this.commit();
  }

  meta(): ReadonlyMap<string, string> {
    return new Map(this.all('SELECT key, value FROM meta ORDER BY key LIMIT 100') as [string, string][]);
  }

  setMeta(key: string, value: string): void {
    this.run('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)', key, value);
  }

  clear(): void {
    this.database.exec('DELETE FROM blocks; DELETE FROM streams; DELETE FROM meta');
  }

  /** A stream with its last block. */
  findStream(name: string): StreamRow | undefined {
    const sql =
      'SELECT s.id, s.tombstone, b.first, b.places FROM streams s LEFT JOIN blocks b ON b.stream_id = s.id ' +
      'WHERE s.name = ? ORDER BY b.first DESC LIMIT 1';
    return streamRow(this.one(sql, name));
  }

  lastStreamId(): number {
    return Number(this.meta().get('last_stream_id') ?? 0);
  }

  insertStream(name: string, id: number): void {
    this.run('INSERT INTO streams (name, id) VALUES (?, ?)', name, id);
  }

  setTombstone(name: string, position: number): void {
    this.run('UPDATE streams SET tombstone = ? WHERE name = ?', position, name);
  }

  putBlock(streamId: number, { first, bytes }: StoredBlock): void {
    this.run('INSERT OR REPLACE INTO blocks (stream_id, first, places) VALUES (?, ?, ?)', streamId, first, bytes);
  }
}
