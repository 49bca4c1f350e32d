import { closeSync, fdatasync, fdatasyncSync, openSync } from 'node:fs';

import { LiveHub } from '../internal/live-hub.ts';
import type { NewEvent } from '../store/event.ts';
import { position as asPosition } from '../store/position.ts';
import { parseStreamMetadata } from '../store/stream-metadata.ts';
import { describedStreamOf, isMetadataStream, metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { LogConnection } from './connection.ts';
import { IndexRunner, type Indexed } from './index-runner.ts';
import type { Indexer } from './indexer.ts';
import { openedIndex, type IndexFile } from './open-index.ts';
import {
  checksumAt,
  decodeLocated,
  decodeRecord,
  encodeRecord,
  headAt,
  headOf,
  idHashOf,
  isFreed,
  located,
  type RecordHead,
} from './record.ts';
import { recordsBetween, type LocatedRecord } from './records-at.ts';
import type { LogMeta } from './rows.ts';
import { SealChain } from './seal-chain.ts';
import { Streams } from './streams.ts';
import { generationEvents, Tail } from './tail.ts';
import type { Witness } from './witness.ts';

/** More unindexed events than this, and appends wait for the index. */
export const tailAtMost = 400_000;
/** Somebody who is this far behind reads pages instead of being handed the events. */
const publishAtMost = 5_000;

const noBytes = new Uint8Array(0);

export interface EngineOptions {
  readonly path: string;
  readonly busyTimeoutMs: number;
  readonly writer: LogConnection;
  readonly reader: LogConnection;
}

export interface EngineStart {
  /** What the index says that the reader has. */
  readonly index: Indexed & { readonly lost: string | undefined };
  readonly witness: Witness;
}

/** The log, its newest part in memory and its indexes, as one process sees them. */
export class Engine {
  readonly hub: LiveHub = new LiveHub();
  readonly writer: LogConnection;
  readonly reader: LogConnection;
  readonly tail: Tail;
  readonly streams: Streams;
  readonly meta: LogMeta;
  readonly index: IndexRunner;
  readonly #witness: Witness;
  readonly #wal: number;
  readonly #indexFile: IndexFile;
  /** Which index the reader has. */
  #indexId: string;
  #seals: SealChain;
  #dataVersion: number;
  #durable: number;
  /** The last event of another process that was taken in. */
  #foreign = 0;
  #needsCheckpoint = false;

  constructor(options: EngineOptions, start: EngineStart) {
    const { path, busyTimeoutMs, writer, reader } = options;
    this.writer = writer;
    this.reader = reader;
    this.meta = writer.meta();
    this.tail = new Tail(start.index.indexed, start.index.lost);
    this.streams = new Streams({ reader, writer, tail: this.tail });
    this.#witness = start.witness;
    this.#indexFile = { path: `${path}-index`, busyTimeoutMs };
    this.#indexId = start.index.id;
    this.#wal = openSync(`${path}-wal`, 'r+');
    this.#dataVersion = writer.dataVersion();
    this.#takeIn();
    this.#seals = SealChain.at(writer, this.tail.last);
    // What other processes wrote may not be durable yet.
    fdatasyncSync(this.#wal);
    this.#durable = this.tail.last;
    this.#witness.write(this.#durable);
    this.hub.skip(asPosition(this.#durable));
    this.index = new IndexRunner({
      logPath: path,
      indexPath: this.#indexFile.path,
      busyTimeoutMs,
      onIndexed: (indexed) => this.#indexed(indexed),
      onCheckpointed: () => {
        this.#needsCheckpoint = true;
      },
    });
  }

  /** Everything up to here is durable, and may be shown. */
  get durable(): number {
    return this.#durable;
  }

  /** The position of the last event that was written, durable or not. */
  get written(): number {
    return this.tail.last;
  }

  /** Takes in what other processes have appended, so that a read sees it. */
  refresh(): void {
    // A transaction may have taken them in already, and not be flushed yet.
    if (!this.#hasForeign() && this.#foreign <= this.#durable) return;
    fdatasyncSync(this.#wal);
    this.settle(this.tail.last);
  }

  /** Takes in what other processes have appended, at the beginning of a transaction. */
  refreshInTransaction(): void {
    this.#hasForeign();
  }

  /** Writes one event, in the transaction that is open. `at` is -1 for a tombstone. */
  write(stream: StreamName, event: NewEvent, { at, nowMs }: { readonly at: number; readonly nowMs: number }): number {
    const position = this.tail.last + 1;
    const createdMs = Math.trunc(event.created?.getTime() ?? nowMs);
    const record = encodeRecord({ stream, position, revision: at, createdMs, event });
    this.writer.insertEvent(position, record);
    const metadata = event.metadata ?? noBytes;
    const idHash = idHashOf(event.id);
    this.#note(
      { stream, position, revision: at, type: event.type, createdMs, idHash, metadata, isFreed: false },
      event,
    );
    const seal = this.#seals.add(record, position, createdMs);
    if (seal !== undefined) this.writer.insertSeal(seal);
    return position;
  }

  /** Makes what is written durable without stopping the event loop. */
  async sync(): Promise<number> {
    const written = this.tail.last;
    await new Promise<void>((resolve, reject) => {
      fdatasync(this.#wal, (error) => (error === null ? resolve() : reject(error)));
    });
    return written;
  }

  /** The same, while the event loop waits. */
  syncAtOnce(): number {
    fdatasyncSync(this.#wal);
    return this.tail.last;
  }

  /** Shows everything up to `durable`. */
  settle(durable: number): void {
    if (durable <= this.#durable) return;
    this.#durable = durable;
    this.#witness.write(durable);
    this.#publish(durable);
    if (this.tail.events > generationEvents) this.index.advance(durable);
  }

  /** Moves the rest of a large write-ahead file into the log, of which the index thread has left little. */
  checkpointIfNeeded(): void {
    if (!this.#needsCheckpoint) return;
    this.#needsCheckpoint = false;
    this.writer.checkpoint();
  }

  /** Has the index made again. Until that is done, what can be read with the old one is read with it. */
  rebuildIndex(): void {
    this.index.rebuild(this.#indexId, this.#durable);
  }

  /** Goes back to what the log says, after a transaction that failed. */
  reload(): void {
    const { indexed } = this.tail;
    this.tail.restart(indexed);
    this.streams.forget();
    this.#takeIn();
    this.resetSeals();
  }

  /** Takes the seals from the log again, after a scavenge has changed them. */
  resetSeals(): void {
    this.#seals = SealChain.at(this.writer, this.tail.last);
  }

  [Symbol.dispose](): void {
    closeSync(this.#wal);
    this.#witness[Symbol.dispose]();
    this.reader[Symbol.dispose]();
    this.writer[Symbol.dispose]();
  }

  /** The index is further. If it is a new one, it is used as soon as it knows what the old one did. */
  #indexed({ indexed, id }: Indexed): void {
    if (id !== this.#indexId && !this.#takeNewIndex()) return;
    this.tail.dropThrough(indexed);
  }

  #takeNewIndex(): boolean {
    try {
      const id = this.writer.alone(() => {
        using index = openedIndex(this.#indexFile);
        if (index.indexed() < this.tail.indexed) return undefined;
        this.reader.attachIndex(this.#indexFile.path);
        return index.id();
      });
      if (id === undefined) return false;
      this.#indexId = id;
      this.streams.forget();
      return true;
    } catch {
      return false; // The log is busy, or the new index has a fault, too. The thread's next report is another chance.
    }
  }

  #hasForeign(): boolean {
    const version = this.writer.dataVersion();
    if (version === this.#dataVersion) return false;
    this.#dataVersion = version;
    const before = this.tail.last;
    this.#takeIn();
    this.resetSeals(); // Also when nothing was appended: a scavenge has sealed anew.
    if (this.tail.last === before) return false;
    this.#foreign = this.tail.last;
    return true;
  }

  /** Reads the events after the tail into it. */
  #takeIn(): void {
    for (const record of recordsBetween(this.writer, this.tail.last + 1, this.writer.lastPosition())) {
      if (record.position > this.tail.last + 1) this.tail.lost.add(this.tail.last + 1, record.position - 1);
      this.#takeInOne(record);
    }
  }

  /** A damaged event keeps its place, if it can be told whose it was. Whoever reads it hears that it is damaged. */
  #takeInOne(record: LocatedRecord): void {
    const { head, damage } = headAt(record);
    if (head === undefined) {
      this.tail.enter(record.position);
      this.tail.lost.add(record.position, record.position);
      return;
    }
    if (!this.tail.lost.isEmpty) this.#fillGap(head);
    const isMetadata = describedStreamOf(head.stream) !== undefined;
    this.#note(head, isMetadata && damage === undefined ? decodeLocated(record) : undefined);
    // What it says of its stream is not known any more.
    if (isMetadata && damage !== undefined) this.streams.forget();
  }

  /** Gives the numbers that a stream lacks before an event the place of that event. */
  #fillGap({ stream, position, revision }: RecordHead): void {
    const known = this.streams.knownHead(stream);
    const missing = revision - this.streams.places(stream).last - 1;
    this.tail.enter(position);
    if (missing > 0) this.tail.addGap(missing);
    if (known !== undefined) for (let count = 0; count < missing; count += 1) this.streams.addId(stream, known, 0);
  }

  /** Keeps the tail and what is known of streams true. */
  #note(head: RecordHead, event: Pick<NewEvent, 'data'> | undefined): void {
    const { stream, position, revision } = head;
    this.tail.enter(position);
    if (isMetadataStream(stream)) this.streams.marked.describe(stream);
    const known = this.streams.knownHead(stream);
    if (revision === -1) {
      this.tail.tombstone(stream);
      this.streams.marked.tombstone();
      if (known !== undefined) known.isTombstoned = true;
      const metadataHead = this.streams.knownHead(metadataStreamOf(stream));
      if (metadataHead !== undefined) metadataHead.isTombstoned = true;
      return;
    }
    this.tail.add(stream, head.idHash, known?.lastPosition);
    this.tail.addDerived(head);
    if (known !== undefined) {
      known.revision = revision;
      known.lastPosition = position;
      this.streams.addId(stream, known, head.idHash);
    }
    const described = describedStreamOf(stream);
    const describedHead = described === undefined ? undefined : this.streams.knownHead(described);
    if (describedHead === undefined || event === undefined || describedStreamOf(described!) !== undefined) return;
    describedHead.hasMetadata = true;
    describedHead.metadata = parseStreamMetadata(event.data);
    describedHead.metadataPosition = position;
  }

  #publish(durable: number): void {
    const from = Number(this.hub.last) + 1;
    if (this.hub.subscribers === 0 || durable - from >= publishAtMost) {
      this.hub.skip(asPosition(durable));
      return;
    }
    const rows = this.reader.records(from, durable, publishAtMost);
    // Whoever is subscribed reads a damaged event by itself, and hears that it is.
    if (rows.every(([at, record]) => headOf(record, at).damage === undefined)) {
      this.hub.publish(rows.filter(([, record]) => !isFreed(record)).map(([at, record]) => decodeRecord(record, at)));
    }
    this.hub.skip(asPosition(durable));
  }
}

/** Brings the index to where it may be used: a new one if it is about another log, and not far behind. */
export function prepareIndex(log: LogConnection, indexer: Indexer): number {
  const mark = indexer.mark();
  const { logId, epoch } = log.meta();
  const record = mark === undefined ? null : log.record(mark.indexed);
  const isOurs =
    mark !== undefined &&
    mark.logId === logId &&
    mark.epoch === epoch &&
    record !== null &&
    (checksumAt(located(record, mark.indexed)) === mark.checksum || isFreed(record));
  if (!isOurs) indexer.replace();
  return isOurs ? mark.indexed : 0;
}
