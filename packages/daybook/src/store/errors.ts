import type { RecordedEvent } from './event.ts';
import type { ActualState, ExpectedRevision, ExpectedState, Violation } from './expected-revision.ts';
import type { Position } from './position.ts';
import type { StreamName } from './stream-name.ts';

/**
 * Every error that Daybook throws on purpose. Tell them apart by `code`: `instanceof` fails across two copies of the
 * package, and messages are for people.
 */
export abstract class DaybookError extends Error {
  abstract readonly code: string;
}

/** A stream was not where the writer expected it. Nothing was written. Read again, decide again, append again. */
export class WrongExpectedRevision extends DaybookError {
  override readonly name = 'WrongExpectedRevision';
  readonly code = 'wrong-expected-revision';
  /** Of the first violation. */
  readonly stream: StreamName;
  readonly expected: ExpectedRevision | ExpectedState;
  readonly actual: ActualState;
  /** All that did not hold: one for an `append`, one or more for an `appendAll`. */
  readonly violations: readonly Violation[];

  constructor(first: Violation, ...others: readonly Violation[]) {
    const { stream, expected, actual } = first;
    const where = typeof actual === 'bigint' ? `at ${actual}` : actual === 'no-stream' ? 'not there' : actual;
    const more = others.length > 0 ? ` (and ${others.length} more)` : '';
    super(`Stream ${stream} is ${where}; the writer expected ${expected}${more}.`);
    this.stream = stream;
    this.expected = expected;
    this.actual = actual;
    this.violations = [first, ...others];
  }
}

/** The stream is deleted, and the writer expected it to exist. Nothing was written. */
export class StreamDeleted extends DaybookError {
  override readonly name = 'StreamDeleted';
  readonly code = 'stream-deleted';
  readonly stream: StreamName;

  constructor(stream: StreamName) {
    super(`Stream ${stream} is deleted. An append that expects 'any' or its last revision brings it back.`);
    this.stream = stream;
  }
}

/** The stream was closed for good. Its name takes no more events and gives none. */
export class StreamTombstoned extends DaybookError {
  override readonly name = 'StreamTombstoned';
  readonly code = 'stream-tombstoned';
  readonly stream: StreamName;

  constructor(stream: StreamName) {
    super(`Stream ${stream} is tombstoned: closed for good. Choose another name.`);
    this.stream = stream;
  }
}

/** The stream is `$all` or an index over the log. Events come into it by being appended to their own streams. */
export class ReadOnlyStream extends DaybookError {
  override readonly name = 'ReadOnlyStream';
  readonly code = 'read-only-stream';
  readonly stream: StreamName;

  constructor(stream: StreamName) {
    super(`Stream ${stream} is derived from the log and cannot be written to. Append to an ordinary stream.`);
    this.stream = stream;
  }
}

/** The text cannot name a stream. */
export class InvalidStreamName extends DaybookError {
  override readonly name = 'InvalidStreamName';
  readonly code = 'invalid-stream-name';
  readonly text: string;
  readonly reason: string;

  constructor(text: string, reason: string) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    super(`${JSON.stringify(shown)} is not a stream name: ${reason}.`);
    this.text = text;
    this.reason = reason;
  }
}

/** An event cannot be stored as it is. Nothing was written. */
export class InvalidEvent extends DaybookError {
  override readonly name = 'InvalidEvent';
  readonly code = 'invalid-event';
  readonly field: 'id' | 'type' | 'data' | 'metadata' | 'contentType' | 'created' | 'events';
  readonly reason: string;

  constructor(field: InvalidEvent['field'], reason: string) {
    super(`The event's ${field} is not valid: ${reason}.`);
    this.field = field;
    this.reason = reason;
  }
}

/** An event, or its metadata, is larger than the store takes. Nothing was written. */
export class EventTooLarge extends DaybookError {
  override readonly name = 'EventTooLarge';
  readonly code = 'event-too-large';
  readonly id: string;
  readonly part: 'event' | 'metadata';
  readonly sizeBytes: number;
  readonly limitBytes: number;

  constructor(facts: { id: string; part: 'event' | 'metadata'; sizeBytes: number; limitBytes: number }) {
    const what = facts.part === 'event' ? `Event ${facts.id}` : `The metadata of event ${facts.id}`;
    super(
      `${what} has ${facts.sizeBytes} bytes; the limit is ${facts.limitBytes}. Store large things elsewhere and append where they are.`,
    );
    this.id = facts.id;
    this.part = facts.part;
    this.sizeBytes = facts.sizeBytes;
    this.limitBytes = facts.limitBytes;
  }
}

/** One append carries more bytes or events than the store takes. Nothing was written. */
export class AppendTooLarge extends DaybookError {
  override readonly name = 'AppendTooLarge';
  readonly code = 'append-too-large';
  readonly unit: 'bytes' | 'events';
  readonly size: number;
  readonly limit: number;

  constructor(unit: 'bytes' | 'events', size: number, limit: number) {
    super(`The append has ${size} ${unit}; the limit is ${limit}. Split it.`);
    this.unit = unit;
    this.size = size;
    this.limit = limit;
  }
}

/** An option has a value that means nothing. */
export class InvalidOption extends DaybookError {
  override readonly name = 'InvalidOption';
  readonly code = 'invalid-option';
  readonly option: string;

  constructor(option: string, reason: string) {
    super(`The option ${option} is not valid: ${reason}.`);
    this.option = option;
  }
}

/** The bytes of an event are not the JSON that the reader expected. */
export class EventNotJson extends DaybookError {
  override readonly name = 'EventNotJson';
  readonly code = 'event-not-json';
  readonly stream: StreamName;
  readonly part: 'data' | 'metadata';

  constructor(event: RecordedEvent, part: 'data' | 'metadata', options?: ErrorOptions) {
    super(`The ${part} of event ${event.revision}@${event.stream} (${event.type}) is not JSON.`, options);
    this.stream = event.stream;
    this.part = part;
  }
}

/**
 * The store cannot tell whether the append was written. The same events again, with the same ids and the same
 * expectation, give the truth.
 */
export class UnknownOutcome extends DaybookError {
  override readonly name = 'UnknownOutcome';
  readonly code = 'unknown-outcome';

  constructor(reason: string, options?: ErrorOptions) {
    super(`${reason} The append may have been written: send the same events, with the same ids, again.`, options);
  }
}

/** The store takes no more calls: it was disposed of, or an I/O error closed it for writing. Open it again. */
export class StoreClosed extends DaybookError {
  override readonly name = 'StoreClosed';
  readonly code = 'store-closed';

  constructor(reason = 'The store is closed.', options?: ErrorOptions) {
    super(`${reason} Open it again.`, options);
  }
}

/** The stored bytes of an event are not those that were written. They are never returned as good. */
export class EventDamaged extends DaybookError {
  override readonly name = 'EventDamaged';
  readonly code = 'event-damaged';
  readonly position: Position;

  constructor(position: Position, reason: string) {
    super(`The event at position ${position} is damaged: ${reason}. Run 'daybook verify', then restore a backup.`);
    this.position = position;
  }
}

/** The adapter cannot do this at all. */
export class NotSupported extends DaybookError {
  override readonly name = 'NotSupported';
  readonly code = 'not-supported';
  readonly feature: string;

  constructor(feature: string, adapter: string) {
    super(`${adapter} cannot ${feature}.`);
    this.feature = feature;
  }
}

/** The store cannot be reached, or does not answer. Nothing is known to be wrong with the data. */
export class StoreUnavailable extends DaybookError {
  override readonly name = 'StoreUnavailable';
  readonly code = 'store-unavailable';
}

/** The store refuses this caller. */
export class AccessDenied extends DaybookError {
  override readonly name = 'AccessDenied';
  readonly code = 'access-denied';
}
