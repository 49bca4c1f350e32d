import type { NewEvent } from './event.ts';
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
} from './options.ts';
import type { Position } from './position.ts';
import type { StreamName } from './stream-name.ts';

/**
 * An append-only log of events in streams, whichever adapter holds it. The contract suites of `daybook/testing` say in
 * executable form what each sentence here means.
 *
 * Errors are of two kinds. *Definite*: nothing was written. *Unknown outcome* (`unknown-outcome`): perhaps written; the
 * same events again, with the same ids, give the truth.
 */
export interface EventStore extends AsyncDisposable {
  /**
   * The `outcome` of an append is a guess: it may say `appended` of what was there already, as over a protocol that does
   * not tell. Absent: it is certain.
   */
  readonly guessesOutcome?: true | undefined;

  /**
   * Adds `events` to the end of `stream`, all or none, and is durable when it returns. The same ids again give the
   * first answer again instead of a second write.
   *
   * @throws WrongExpectedRevision when the stream is not where `expected` says, and these events are not why.
   * @throws StreamDeleted when `stream-exists` is expected of a deleted stream.
   * @throws StreamTombstoned when the name was closed for good.
   * @throws ReadOnlyStream when `stream` is `$all` or a derived stream.
   * @throws InvalidEvent, EventTooLarge, AppendTooLarge when an event cannot be stored.
   * @throws UnknownOutcome when the store cannot tell whether it was written.
   */
  append(stream: StreamName, events: readonly NewEvent[], options: AppendOptions): Promise<Appended>;

  /**
   * Appends to several streams in one transaction: all or nothing. The events stand in the log in the order given.
   * An append without events and with checks only checks.
   *
   * @throws WrongExpectedRevision with all `violations` when one or more expectations or checks fail. What some streams
   *   would call a repeat is one only if it is for every stream.
   */
  appendAll(appends: readonly StreamAppend[], options?: AppendAllOptions): Promise<AppendedAll>;

  /**
   * Hides the stream. Its revisions go on after the last one when something is appended again.
   *
   * @throws WrongExpectedRevision, StreamDeleted, StreamTombstoned as an append does.
   */
  deleteStream(stream: StreamName, options: DeleteOptions): Promise<{ readonly position: Position }>;

  /** Closes the stream's name for good: reads and appends are refused from then on. Throws as `deleteStream` does. */
  tombstoneStream(stream: StreamName, options: DeleteOptions): Promise<{ readonly position: Position }>;

  /**
   * The events of a stream, which may be a derived stream or a metadata stream. A stream that does not exist, or is
   * deleted, gives none. It sees every append that was acknowledged before the first page is pulled.
   *
   * @throws StreamTombstoned when the stream was closed for good.
   * @throws EventDamaged when the stored bytes of an event are not those that were written.
   */
  readStream(stream: StreamName, options?: ReadStreamOptions): EventRead;

  /** The events of all streams in the order of the log, metadata and deleted streams included. */
  readAll(options?: ReadAllOptions): EventRead;

  /**
   * The events of a stream, then what is appended to it, without a gap or a repeat. The stream need not exist yet.
   *
   * @throws StreamTombstoned when the stream is or becomes tombstoned, after the tombstone was given.
   */
  subscribeToStream(stream: StreamName, options?: SubscribeToStreamOptions): Subscription;

  /** The events of all streams, then what is appended, without a gap or a repeat. */
  subscribeToAll(options?: SubscribeToAllOptions): Subscription;

  /** Where a stream stands. It sees every append that was acknowledged before. */
  streamState(stream: StreamName): Promise<StreamState>;

  /** The streams, in the order of their names by UTF-8 bytes. */
  listStreams(options?: ListStreamsOptions): Paged<StreamSummary>;

  /** The categories, in the order of their names by UTF-8 bytes. */
  listCategories(): Paged<CategorySummary>;

  /** The event types, in the order of their names by UTF-8 bytes. */
  listEventTypes(): Paged<EventTypeSummary>;

  /** Where the log ends. */
  head(): Promise<LogHead>;
}
