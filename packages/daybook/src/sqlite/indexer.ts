import { endOf, extendBlock } from './block.ts';
import { LogConnection } from './connection.ts';
import { DerivedLists } from './derived-lists.ts';
import { IndexDamaged } from './errors.ts';
import type { IndexConnection } from './index-connection.ts';
import { LostEvents } from './lost-events.ts';
import { openIndex, type IndexFile } from './open-index.ts';
import { checksumAt, headAt, type RecordHead } from './record.ts';
import { recordsBetween, type LocatedRecord } from './records-at.ts';
import type { LogMeta, StoredBlock, StreamRow } from './rows.ts';
import { indexError } from './sql-error.ts';

/** How many events one transaction of the index takes over. */
const runEvents = 65_536;

/** What a run adds to a stream or a derived stream. */
interface Added {
  /** The revision of the first event, -1 in a derived stream: its events get their numbers here. */
  readonly firstRevision: number;
  readonly positions: number[];
  readonly idHashes: number[];
  tombstone?: number;
}

/** The new events of one run. */
interface Run {
  readonly lost: LostEvents;
  readonly streams: ReadonlyMap<string, Added>;
  readonly last: number;
  readonly checksum: number;
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
  readonly #file: IndexFile;
  readonly #log: LogConnection;
  #index: IndexConnection;
  #id: string;

  constructor({ logPath, indexPath, busyTimeoutMs }: IndexerOptions) {
    this.#file = { path: indexPath, busyTimeoutMs };
    this.#log = new LogConnection(logPath, { busyTimeoutMs });
    this.#log.settle();
    this.#index = openIndex(this.#log, this.#file);
    this.#id = this.#index.id() ?? '';
  }

  /** Which index this is: one that was made again has another id. */
  get id(): string {
    return this.#id;
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

  /** Goes on with a new, empty index, unless somebody else has made one already. */
  replace(): void {
    this.#index[Symbol.dispose]();
    this.#index = openIndex(this.#log, { ...this.#file, damaged: this.#id });
    this.#id = this.#index.id() ?? '';
  }

  /**
   * Takes over one run of events, at most up to `to`. Gives how far the index is then: at its beginning, when the one
   * that there was turned out to be damaged.
   */
  advance(to: number): number {
    try {
      return this.#advance(to);
    } catch (error) {
      if (!(error instanceof IndexDamaged)) throw error;
      this.replace();
      return this.#indexed();
    }
  }

  #advance(to: number): number {
    const indexed = this.#indexed();
    if (indexed >= to) return indexed;
    const lost = new LostEvents(this.#inIndex(() => this.#index.meta().get('lost')));
    const records = recordsBetween(this.#log, indexed + 1, Math.min(to, indexed + runEvents));
    const run = collect(records, { after: indexed, lost });
    if (run === undefined) return indexed;
    const meta = this.#log.meta();
    return this.#inIndex(() => {
      this.#index.begin();
      try {
        if (this.#indexed() === indexed) this.#write(run, meta);
        this.#index.commit();
      } catch (error) {
        this.#index.rollback();
        throw error;
      }
      return this.#indexed();
    });
  }

  #indexed(): number {
    return this.#inIndex(() => this.#index.indexed());
  }

  /** What is wrong with the file here is the index, and not the log. */
  #inIndex<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw indexError(this.#file.path, error);
    }
  }

  /** Moves what the log's write-ahead file holds into the log itself. */
  checkpointLog(): void {
    this.#log.checkpoint();
  }

  [Symbol.dispose](): void {
    this.#index[Symbol.dispose]();
    this.#log[Symbol.dispose]();
  }

  #write({ streams, last, checksum, lost }: Run, { logId, epoch }: LogMeta): void {
    let nextId = this.#index.lastStreamId() + 1;
    const closed: { readonly id: number; readonly block: StoredBlock }[] = [];
    // In the order of the names, and then in that of the blocks: each page of the file is gone to once.
    for (const name of [...streams.keys()].toSorted()) {
      const added = streams.get(name)!; // It is one of its keys.
      const known = this.#index.findStream(name);
      const id = known?.id ?? nextId++;
      if (added.positions.length > 0 && added.firstRevision !== -1) fillGap(name, { known, added, lost });
      const blocks = added.positions.length === 0 ? [] : [...extendBlock(name, known?.lastBlock, added)];
      const lastBlock = blocks.pop() ?? known?.lastBlock;
      const before = known?.lastBlock;
      const isClosed = before !== undefined && before.first !== (blocks[0] ?? lastBlock)?.first;
      if (isClosed) closed.push({ id, block: before });
      for (const block of blocks) closed.push({ id, block });
      const tombstone = added.tombstone ?? known?.tombstone;
      if (added.tombstone !== undefined) this.#index.setMeta('tombstones', 'some');
      this.#index.putStream(name, { id, tombstone, lastBlock });
    }
    closed.sort((one, other) => one.id - other.id || one.block.first - other.block.first);
    for (const { id, block } of closed) this.#index.putBlock(id, block);
    this.#index.setMeta('log_id', logId);
    this.#index.setMeta('epoch', String(epoch));
    this.#index.setMeta('indexed', String(last));
    this.#index.setMeta('checksum', String(checksum));
    this.#index.setMeta('lost', String(lost));
    this.#index.setMeta('last_stream_id', String(nextId - 1));
  }
}

/** Gives the numbers that a stream lacks before what is added the place of the first event of that. */
function fillGap(
  name: string,
  { known, added, lost }: { readonly known: StreamRow | undefined; readonly added: Added; readonly lost: LostEvents },
): void {
  const next = known?.lastBlock === undefined ? 0 : endOf(known.lastBlock);
  const missing = added.firstRevision - next;
  if (missing < 0 || (missing > 0 && lost.isEmpty)) {
    throw new IndexDamaged(`${name} goes on at ${added.firstRevision}, after ${next - 1}`);
  }
  for (let left = missing; left > 0; left -= 1) {
    added.positions.unshift(added.positions[0]!); // There is one, or there would be nothing to add.
    added.idHashes.unshift(0);
  }
}

/** The places of the events, by stream and by derived stream, or `undefined` when there are no events. */
function collect(
  records: Iterable<LocatedRecord>,
  { after, lost }: { readonly after: number; readonly lost: LostEvents },
): Run | undefined {
  const collected = new Collected();
  let last = after;
  let checksum = -1;
  for (const record of records) {
    const { position } = record;
    if (position > last + 1) lost.add(last + 1, position - 1);
    last = position;
    checksum = checksumAt(record);
    const { head } = headAt(record);
    if (head === undefined) lost.add(position, position);
    else collected.add(head);
  }
  return last === after ? undefined : { streams: collected.streams, last, checksum, lost };
}

/** What a run adds, as it is found. */
class Collected {
  readonly streams = new Map<string, Added>();
  readonly #derived = new DerivedLists((name) => this.#addedTo(name, -1));

  add(head: RecordHead): void {
    const { stream, position, revision: at } = head;
    if (at === -1) {
      this.#addedTo(stream, -1).tombstone = position;
      return;
    }
    const added = this.#addedTo(stream, at);
    for (let next = added.firstRevision + added.positions.length; next < at; next += 1) {
      added.positions.push(position);
      added.idHashes.push(0);
    }
    added.positions.push(position);
    added.idHashes.push(head.idHash);
    for (const derived of this.#derived.of(head)) derived.positions.push(position);
  }

  #addedTo(name: string, firstRevision: number): Added {
    let added = this.streams.get(name);
    if (added === undefined) this.streams.set(name, (added = { firstRevision, positions: [], idHashes: [] }));
    return added;
  }
}
