import { existsSync } from 'node:fs';

import { derivedStreamsOf } from '../store/derived-stream.ts';
import { revision } from '../store/position.ts';
import { IndexConnection, LogConnection } from './connection.ts';
import { decodeHead } from './record.ts';
import { makeWhole } from './whole-file.ts';

/** How many events one transaction of the index takes over. */
const runEvents = 16_384;

interface Run {
  id: number;
  revision: number;
  position: number;
  tombstone?: number;
  /** Revision, position and id hash of each event, one after the other. */
  readonly events: number[];
}

export interface IndexerOptions {
  readonly logPath: string;
  readonly indexPath: string;
  readonly busyTimeoutMs: number;
}

/** What the index says about itself, in text. */
export interface IndexMark {
  readonly logId: string;
  readonly epoch: number;
  /** Everything up to here is indexed. */
  readonly indexed: number;
  /** The checksum of the record there: another log would have another one. */
  readonly checksum: number;
}

/**
 * Brings the index file up to date from the log, in sorted runs. Several processes may do so at once: each run checks
 * inside its transaction where the index stands.
 */
export class Indexer implements Disposable {
  readonly #log: LogConnection;
  readonly #index: IndexConnection;

  constructor({ logPath, indexPath, busyTimeoutMs }: IndexerOptions) {
    this.#log = new LogConnection(logPath, { busyTimeoutMs });
    this.#log.settle();
    if (!existsSync(indexPath)) createIndex(indexPath, busyTimeoutMs);
    this.#index = new IndexConnection(indexPath, { busyTimeoutMs });
    this.#index.settle();
  }

  mark(): IndexMark | undefined {
    const meta = this.#index.meta();
    const logId = meta.get('log_id');
    if (logId === undefined) return undefined;
    return {
      logId,
      epoch: Number(meta.get('epoch')),
      indexed: Number(meta.get('indexed')),
      checksum: Number(meta.get('checksum')),
    };
  }

  /** Empties the index, for a log that it is not about. */
  reset(): void {
    this.#index.begin();
    this.#index.clear();
    this.#index.commit();
  }

  /** Takes over one run of events, at most up to `to`. Gives how far the index is then. */
  advance(to: number): number {
    const indexed = this.mark()?.indexed ?? 0;
    if (indexed >= to) return indexed;
    const rows = this.#log.records(indexed + 1, to, runEvents);
    const last = rows.at(-1);
    if (last === undefined) return indexed;
    const runs = collect(rows);
    this.#index.begin();
    try {
      if ((this.mark()?.indexed ?? 0) === indexed) this.#write(runs, last);
      this.#index.commit();
    } catch (error) {
      this.#index.rollback();
      throw error;
    }
    return this.mark()?.indexed ?? 0;
  }

  /** Moves what the log's write-ahead file holds into the log itself. */
  checkpointLog(): void {
    this.#log.checkpoint();
  }

  [Symbol.dispose](): void {
    this.#index[Symbol.dispose]();
    this.#log[Symbol.dispose]();
  }

  #write(runs: ReadonlyMap<string, Run>, last: readonly [number, Uint8Array]): void {
    let nextId = this.#index.lastStreamId() + 1;
    for (const [name, run] of runs) {
      const known = this.#index.findStream(name);
      run.id = known?.id ?? nextId++;
      if (run.revision === -1) run.revision = known?.revision ?? -1;
      // A derived stream is numbered here: its events carry no number of their own.
      const base = (known?.revision ?? -1) + 1;
      for (let at = 0; at < run.events.length; at += 3) {
        if (run.events[at] === -1) run.events[at] = base + at / 3;
      }
      if (run.events.length > 0) run.revision = run.events.at(-3)!;
    }
    const ordered = [...runs].toSorted(([, one], [, other]) => one.id - other.id);
    for (const [name, { id, events, revision: at, position, tombstone }] of ordered) {
      for (let next = 0; next < events.length; next += 3) {
        this.#index.insertStreamEvent(id, events[next]!, events[next + 1]!, events[next + 2]!);
      }
      this.#index.putStream(name, { id, revision: at, position, tombstone });
    }
    const [position, record] = last;
    const { logId, epoch } = this.#log.meta();
    this.#index.setMeta('log_id', logId);
    this.#index.setMeta('epoch', String(epoch));
    this.#index.setMeta('indexed', String(position));
    this.#index.setMeta('checksum', String(checksumOf(record)));
  }
}

function createIndex(path: string, busyTimeoutMs: number): void {
  makeWhole(path, (draft) => {
    using index = new IndexConnection(draft, { busyTimeoutMs });
    index.create();
  });
}

/** The checksum that a record begins with. */
export function checksumOf(record: Uint8Array): number {
  if (record.length < 4) return -1; // Damaged: whoever decodes it says so.
  return new DataView(record.buffer, record.byteOffset, record.byteLength).getUint32(0, true);
}

/** The places of the events, by stream and by derived stream. */
function collect(rows: readonly (readonly [number, Uint8Array])[]): Map<string, Run> {
  const runs = new Map<string, Run>();
  const runOf = (name: string): Run => {
    let run = runs.get(name);
    if (run === undefined) runs.set(name, (run = { id: 0, revision: -1, position: 0, events: [] }));
    return run;
  };
  for (const [position, record] of rows) {
    const head = decodeHead(record, position);
    const run = runOf(head.stream);
    if (head.revision === -1) {
      run.tombstone = position;
      continue;
    }
    run.events.push(head.revision, position, head.idHash);
    run.position = position;
    for (const name of derivedStreamsOf({ ...head, revision: revision(head.revision) })) {
      const derived = runOf(name);
      derived.events.push(-1, position, 0);
      derived.position = position;
    }
  }
  return runs;
}
