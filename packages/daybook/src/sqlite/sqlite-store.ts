import { setImmediate as breathe, setTimeout as wait } from 'node:timers/promises';

import { allSubscription, streamSubscription } from '../internal/live.ts';
import { paged } from '../internal/paged.ts';
import { checkDeletable, checkEvents, checkNotEmpty, checkWritable } from '../store/check-append.ts';
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
import { LogRegressed, StoreBusy } from './errors.ts';
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
const tailOnOpen = 32_768;
const tailOnClose = 2_048;
/** How long to wait before a busy file is opened again. */
const reopenMs = 10;

/**
 * Opens the event store in a file, and makes it if it is not there. Other processes may have it open, too.
 *
 * @throws NotAStore, NewerFormat when the file is something else. It is not touched.
 * @throws LogRegressed when the log ends before an event that was acknowledged.
 * @throws StoreReadOnly, StoreBusy, StoreDamaged, DiskFull when SQLite cannot use it.
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
    const indexed = await indexLog(path, { writer, busyTimeoutMs });
    const engine = typed(path, () => openEngine(path, { writer, busyTimeoutMs, indexed }));
    return new Sqlite(engine, { path, limits, now, busyTimeoutMs, pollMs });
  } catch (error) {
    writer[Symbol.dispose]();
    throw typedError(path, error);
  }
}

/** Brings the index near the end of the log. Gives how far it is. */
async function indexLog(
  path: string,
  { writer, busyTimeoutMs }: { readonly writer: LogConnection; readonly busyTimeoutMs: number },
): Promise<number> {
  using indexer = new Indexer({ logPath: path, indexPath: `${path}-index`, busyTimeoutMs });
  let indexed = prepareIndex(writer, indexer);
  for (let end = writer.lastPosition(); end - indexed > tailOnOpen; end = writer.lastPosition()) {
    indexed = indexer.advance(end);
    await breathe();
  }
  return indexed;
}

function openEngine(
  path: string,
  options: { readonly writer: LogConnection; readonly busyTimeoutMs: number; readonly indexed: number },
): Engine {
  const { writer, busyTimeoutMs, indexed } = options;
  const witness = new Witness(`${path}-head`);
  const acknowledged = witness.read();
  const last = writer.lastPosition();
  if (acknowledged > last) {
    witness[Symbol.dispose]();
    throw new LogRegressed(path, BigInt(last), BigInt(acknowledged));
  }
  const reader = new LogConnection(path, { busyTimeoutMs });
  reader.settle();
  reader.attachIndex(`${path}-index`);
  return new Engine({ path, busyTimeoutMs, writer, reader }, { indexed, witness });
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
      checkNotEmpty(events);
      checkEvents(events, this.#settings.limits);
      return this.#change((nowMs) => append(this.#engine, { stream, events, expected }, nowMs));
    } catch (error) {
      return Promise.reject(error); // Not async: one promise less for each append.
    }
  }

  async appendAll(appends: readonly StreamAppend[], { checks = [] }: AppendAllOptions = {}): Promise<AppendedAll> {
    for (const { stream, events } of appends) {
      checkWritable(stream);
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
    return this.#change((nowMs) => deleteStream(this.#engine, { stream, expected, nowMs }));
  }

  async tombstoneStream(stream: StreamName, { expected }: DeleteOptions): Promise<{ position: Position }> {
    checkDeletable(stream);
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
      read: (after, look) => typed(this.path, () => read(after, look)),
    });
  }

  subscribeToAll(options: SubscribeToAllOptions = {}): Subscription {
    const read = allLivePages(this.#engine, options.filter);
    return allSubscription(this.#engine.hub, {
      ...options,
      read: (after, look) => typed(this.path, () => read(after, look)),
    });
  }

  async streamState(stream: StreamName): Promise<StreamState> {
    this.#checkOpen();
    return typed(this.path, () => streamState(this.#engine, stream, this.#settings.now()));
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
    return typed(this.path, () => {
      this.#engine.refresh();
      const { durable, meta } = this.#engine;
      return { ...(durable > 0 && { position: position(durable) }), logId: meta.logId, epoch: meta.epoch };
    });
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
    await engine.index[Symbol.asyncDispose]();
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
    const run: Change<Answer> = () => change(this.#settings.now());
    return this.#commits.run(run);
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new StoreClosed();
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
      throw typedError(this.path, error);
    }
  }
}
