import { setImmediate as breathe, setTimeout as wait } from 'node:timers/promises';

import { allSubscription, streamSubscription } from '../internal/live.ts';
import { paged } from '../internal/paged.ts';
import { checkDeletable, checkEvents, checkExpected, checkNotEmpty, checkWritable } from '../store/check-append.ts';
import { checkLimits, checkNotAll, checkRead } from '../store/check-options.ts';
import { StoreClosed } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import { defaultLimits, type Limits } from '../store/limits.ts';
import type {
  AppendAllOptions,
  Appended,
  AppendedAll,
  AppendOptions,
  CategorySummary,
  DeleteOptions,
  EventRead,
  EventTypeSummary,
  ListStreamsOptions,
  LogHead,
  Paged,
  ReadAllOptions,
  ReadStreamOptions,
  StreamAppend,
  StreamState,
  StreamSummary,
  SubscribeToAllOptions,
  SubscribeToStreamOptions,
  Subscription,
} from '../store/options.ts';
import { position, type Position } from '../store/position.ts';
import type { ScavengeOptions, ScavengeProgress } from '../store/scavenge.ts';
import type { StreamName } from '../store/stream-name.ts';
import { append, appendAll, deleteStream, tombstoneStream } from './append.ts';
import { backup } from './backup.ts';
import { LogConnection } from './connection.ts';
import { Engine, prepareIndex } from './engine.ts';
import { IndexDamaged, LogRegressed, StoreBusy } from './errors.ts';
import { GroupCommit, type Change } from './group-commit.ts';
import { Indexer } from './indexer.ts';
import { listCategories, listEventTypes, listStreams, streamState } from './listings.ts';
import { allLivePages, streamLivePages } from './live-pages.ts';
import { openLog } from './open-log.ts';
import type { BackupProgress, SqliteStore, SqliteStoreOptions, VerifyProgress } from './options.ts';
import { readAllPacked } from './packed-read.ts';
import { readAll, readStream } from './read.ts';
import { planScavenge, scavenge } from './scavenge.ts';
import { typed, typedError } from './sql-error.ts';
import { verify } from './verify.ts';
import { Witness } from './witness.ts';

/** More events than this that are not indexed are indexed before the store is used, or when it is closed. */
const tailOnOpen = 65_536;
const tailOnClose = 2_048;
/** How long to wait before a busy file is opened again. */
const reopenMs = 10;

/**
 * Opens the event store in a file, and makes it if it is not there. Other processes may have it open, too. An older
 * format becomes the newest one, which older versions refuse.
 *
 * @throws NotAStore, NewerFormat when the file is something else. It is not touched.
 * @throws LogRegressed when the log ends before an event that was acknowledged.
 * @throws StoreReadOnly, StoreBusy, StoreDamaged, DiskFull, SettingRefused when SQLite cannot use it.
 */
export async function openSqliteStore(path: string, options: SqliteStoreOptions = {}): Promise<SqliteStore> {
  const { busyTimeoutMs = 5_000 } = options;
  const until = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      return await openOnce(path, options, busyTimeoutMs);
    } catch (error) {
      // While another process recovers the write-ahead file, SQLite says that it is busy without waiting.
      if (!(error instanceof StoreBusy) || performance.now() > until) throw error;
    }
    await wait(reopenMs);
  }
}

async function openOnce(path: string, options: SqliteStoreOptions, busyTimeoutMs: number): Promise<SqliteStore> {
  const { missing = 'create', pollMs = 50, now = Date.now } = options;
  const limits = { ...defaultLimits, ...options.limits };
  checkLimits(limits);
  const writer = openLog(path, { missing, busyTimeoutMs });
  try {
    const engine = await openWithIndex(path, { writer, busyTimeoutMs });
    return new Sqlite(engine, { path, limits, now, busyTimeoutMs, pollMs });
  } catch (error) {
    writer[Symbol.dispose]();
    throw typedError(path, error);
  }
}

interface OpenLog {
  readonly writer: LogConnection;
  readonly busyTimeoutMs: number;
}

async function openWithIndex(path: string, log: OpenLog): Promise<Engine> {
  {
    using indexer = new Indexer({ logPath: path, indexPath: `${path}-index`, busyTimeoutMs: log.busyTimeoutMs });
    await indexLog(log.writer, { indexer, from: prepareIndex(log.writer, indexer) });
    try {
      return typed(path, () => openEngine(path, log));
    } catch (error) {
      if (!(error instanceof IndexDamaged)) throw error;
      indexer.replace();
      await indexLog(log.writer, { indexer, from: 0 });
    }
  }
  return typed(path, () => openEngine(path, log));
}

/** Brings the index near the end of the log. */
async function indexLog(
  writer: LogConnection,
  { indexer, from }: { readonly indexer: Indexer; readonly from: number },
): Promise<void> {
  for (let indexed = from, before = -1, end = writer.lastPosition(); end - indexed > tailOnOpen;) {
    if (indexed === before) return; // It is damaged as soon as it is made: what is not indexed is kept in memory.
    before = indexed;
    indexed = indexer.advance(end);
    end = writer.lastPosition();
    await breathe();
  }
}

function openEngine(path: string, { writer, busyTimeoutMs }: OpenLog): Engine {
  const witness = new Witness(`${path}-head`);
  const reader = new LogConnection(path, { busyTimeoutMs });
  try {
    const acknowledged = witness.read();
    const last = writer.lastPosition();
    if (acknowledged > last) throw new LogRegressed(path, BigInt(last), BigInt(acknowledged));
    reader.settle();
    const meta = writer.alone(() => {
      reader.attachIndex(`${path}-index`);
      return reader.indexMeta();
    });
    const index = { id: meta.get('id') ?? '', indexed: Number(meta.get('indexed') ?? 0), lost: meta.get('lost') };
    return new Engine({ path, busyTimeoutMs, writer, reader }, { index, witness });
  } catch (error) {
    reader[Symbol.dispose]();
    witness[Symbol.dispose]();
    throw error;
  }
}

interface Settings {
  readonly path: string;
  readonly limits: Limits;
  readonly now: () => number;
  readonly busyTimeoutMs: number;
  readonly pollMs: number;
}

class Sqlite implements SqliteStore {
  readonly #engine: Engine;
  readonly #commits: GroupCommit;
  readonly #settings: Settings;
  readonly #poll: NodeJS.Timeout;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, settings: Settings) {
    this.#engine = engine;
    this.#settings = settings;
    this.#commits = new GroupCommit(engine, settings.path);
    this.#poll = setInterval(() => this.#lookForOthers(), settings.pollMs).unref();
  }

  get path(): string {
    return this.#settings.path;
  }

  append(stream: StreamName, events: readonly NewEvent[], { expected }: AppendOptions): Promise<Appended> {
    try {
      checkWritable(stream);
      checkExpected(expected);
      checkNotEmpty(events);
      checkEvents(events, this.#settings.limits);
      return this.#change((nowMs) => append(this.#engine, { stream, events, expected }, nowMs));
    } catch (error) {
      return Promise.reject(error); // Not async: one promise less for each append.
    }
  }

  async appendAll(appends: readonly StreamAppend[], { checks = [] }: AppendAllOptions = {}): Promise<AppendedAll> {
    for (const { stream, events, expected } of appends) {
      checkWritable(stream);
      checkExpected(expected);
      checkNotEmpty(events);
    }
    checkEvents(
      appends.flatMap(({ events }) => events),
      this.#settings.limits,
    );
    return this.#change((nowMs) => appendAll(this.#engine, { appends, checks, nowMs }));
  }

  async deleteStream(stream: StreamName, { expected }: DeleteOptions): Promise<{ position: Position }> {
    checkDeletable(stream);
    checkExpected(expected);
    return this.#change((nowMs) => deleteStream(this.#engine, { stream, expected, nowMs }));
  }

  async tombstoneStream(stream: StreamName, { expected }: DeleteOptions): Promise<{ position: Position }> {
    checkDeletable(stream);
    checkExpected(expected);
    return this.#change((nowMs) => tombstoneStream(this.#engine, { stream, expected, nowMs }));
  }

  readStream(stream: StreamName, options: ReadStreamOptions = {}): EventRead {
    checkNotAll(stream);
    checkRead(options);
    return this.#paged(() => readStream(this.#engine, { ...options, stream, now: this.#settings.now }));
  }

  readAll(options: ReadAllOptions = {}): EventRead {
    checkRead(options);
    const events = this.#paged(() => readAll(this.#engine, options));
    if (options.filter !== undefined) return events;
    return Object.assign(events, { packedPages: () => this.#guarded(readAllPacked(this.#engine, options)) });
  }

  subscribeToStream(stream: StreamName, options: SubscribeToStreamOptions = {}): Subscription {
    checkNotAll(stream);
    const read = streamLivePages(this.#engine, { stream, links: options.links, now: this.#settings.now });
    return streamSubscription(this.#engine.hub, {
      ...options,
      stream,
      read: (after, look) => this.#typed(() => read(after, look)),
    });
  }

  subscribeToAll(options: SubscribeToAllOptions = {}): Subscription {
    const read = allLivePages(this.#engine, options.filter);
    return allSubscription(this.#engine.hub, {
      ...options,
      read: (after, look) => this.#typed(() => read(after, look)),
    });
  }

  async streamState(stream: StreamName): Promise<StreamState> {
    this.#checkOpen();
    return this.#typed(() => streamState(this.#engine, stream, this.#settings.now()));
  }

  listStreams(options: ListStreamsOptions = {}): Paged<StreamSummary> {
    return this.#paged(() => listStreams(this.#engine, options));
  }

  listCategories(): Paged<CategorySummary> {
    return this.#paged(() => listCategories(this.#engine));
  }

  listEventTypes(): Paged<EventTypeSummary> {
    return this.#paged(() => listEventTypes(this.#engine));
  }

  async head(): Promise<LogHead> {
    this.#checkOpen();
    return this.#typed(() => {
      this.#engine.refresh();
      const { durable, meta } = this.#engine;
      return { ...(durable > 0 && { position: position(durable) }), logId: meta.logId, epoch: meta.epoch };
    });
  }

  settings(): Readonly<Record<string, string | number>> {
    this.#checkOpen();
    return this.#typed(() => this.#engine.writer.settings());
  }

  planScavenge(options: ScavengeOptions = {}): AsyncIterable<ScavengeProgress> {
    return this.#guarded(planScavenge(this.#engine, { ...options, now: this.#settings.now }));
  }

  scavenge(options: ScavengeOptions = {}): AsyncIterable<ScavengeProgress> {
    return this.#guarded(scavenge(this.#engine, { ...options, now: this.#settings.now, commits: this.#commits }));
  }

  verify(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<VerifyProgress> {
    return this.#guarded(verify(this.#engine, options));
  }

  backup(target: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterable<BackupProgress> {
    return this.#guarded(backup(this.path, target, { ...options, busyTimeoutMs: this.#settings.busyTimeoutMs }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    clearInterval(this.#poll);
    await this.#commits.close();
    using engine = this.#engine;
    engine.hub[Symbol.dispose]();
    await engine.index.end(engine.durable);
    if (engine.tail.events > tailOnClose) this.#indexTail(engine.durable);
  }

  /** Indexes what is not indexed yet, so that the next opening is quick. */
  #indexTail(to: number): void {
    try {
      using indexer = new Indexer({
        logPath: this.path,
        indexPath: `${this.path}-index`,
        busyTimeoutMs: this.#settings.busyTimeoutMs,
      });
      for (let indexed = 0, before = -1; indexed < to && indexed !== before;) {
        before = indexed;
        indexed = indexer.advance(to);
      }
    } catch {
      // A full disk, most of the time. Nothing is lost: the next opening indexes it.
    }
  }

  #change<Answer>(change: (nowMs: number) => Answer): Promise<Answer> {
    this.#checkOpen();
    const run: Change<Answer> = () => {
      try {
        return change(this.#settings.now());
      } catch (error) {
        if (error instanceof IndexDamaged) this.#engine.rebuildIndex();
        throw error;
      }
    };
    return this.#commits.run(run);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreClosed();
  }

  #typed<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw this.#noted(error);
    }
  }

  /** An error as one of ours. When it says that the index is damaged, that is made again. */
  #noted(cause: unknown): unknown {
    const error = typedError(this.path, cause);
    if (error instanceof IndexDamaged) this.#engine.rebuildIndex();
    return error;
  }

  /** While somebody is subscribed, what other processes append must be noticed. */
  #lookForOthers(): void {
    if (this.#engine.hub.subscribers > 0) this.#engine.refresh();
  }

  #paged<Item>(pages: () => AsyncGenerator<readonly Item[], void, undefined>): Paged<Item> {
    return paged(() => this.#guarded(pages()));
  }

  /** What `items` gives, as long as the store is open, with SQLite's errors as ours. */
  async *#guarded<Item>(items: AsyncGenerator<Item, void, undefined>): AsyncGenerator<Item, void, undefined> {
    this.#checkOpen();
    try {
      for await (const item of items) {
        yield item;
        this.#checkOpen();
      }
    } catch (error) {
      throw this.#noted(error);
    }
  }
}
