import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { CheckpointCollision, CheckpointUnreadable } from './errors.ts';
import { appendTo, fieldsOf, lastEvent, numberIn, textIn } from './journal.ts';
import { checkpointStreamOf } from './names.ts';

/** The type of the events that hold checkpoints. */
export const checkpointType = 'checkpoint';

/** Checkpoints that are kept, so that one can go back to them. */
const keptCheckpoints = 1_000;

/** Numbers that were handled although some before them were not. Both ends included. */
export type Range = readonly [from: number, to: number];

/** How far a consumer has come in a source. `pos` is the article's own field; the others say what it stands on. */
export interface Checkpoint {
  /** The number of the last event that was handled, as were all before it. -1: none yet. The next one comes after it. */
  readonly pos: bigint;
  /** The id of that event. */
  readonly eventId?: string | undefined;
  /** Handled already, behind events that wait to be tried again. Default: none. */
  readonly ahead?: readonly Range[] | undefined;
  readonly source?: string | undefined;
  readonly consumer?: string | undefined;
  readonly logId?: string | undefined;
  readonly epoch?: number | undefined;
  /** Of the lease under which it was written. */
  readonly token?: number | undefined;
  readonly host?: string | undefined;
  /** Of the service. */
  readonly version?: string | undefined;
  /** When, by the writer's clock, in ISO 8601. */
  readonly at?: string | undefined;
  /** Set by a person, not by the consumer. */
  readonly who?: string | undefined;
  readonly why?: string | undefined;
}

/** A checkpoint, and where in its stream it stands. */
export interface StoredCheckpoint extends Checkpoint {
  readonly revision: Revision;
  /** When the store took it. */
  readonly created: Date;
}

/** A source of a consumer. */
export interface Place {
  readonly source: StreamName;
  readonly consumer: string;
}

/**
 * The last checkpoint of a consumer in a source, if there is one.
 *
 * @throws CheckpointCollision when the stream belongs to another consumer or source.
 * @throws CheckpointUnreadable when its last event is no checkpoint.
 */
export async function readCheckpoint(store: EventStore, place: Place): Promise<StoredCheckpoint | undefined> {
  const stream = checkpointStreamOf(place.source, place.consumer);
  const last = await lastEvent(store, stream);
  return last === undefined ? undefined : checked(last, place);
}

/**
 * Appends a checkpoint.
 *
 * @throws WrongExpectedRevision when somebody else was there since the last one.
 */
export async function appendCheckpoint(
  store: EventStore,
  { source, consumer }: Place,
  { checkpoint, expected }: { readonly checkpoint: Checkpoint; readonly expected: ExpectedRevision },
): Promise<Revision> {
  const journal = { stream: checkpointStreamOf(source, consumer), keepEvents: keptCheckpoints };
  const { pos, ...others } = checkpoint;
  const data = { pos: Number(pos), ...others, source, consumer };
  const appended = await appendTo(store, journal, { type: checkpointType, data, expected });
  return appended.revision;
}

/** The checkpoints of a consumer in a source, the last one first. Events that are none are left out. */
export async function* checkpointHistory(
  store: EventStore,
  { source, consumer }: Place,
): AsyncGenerator<StoredCheckpoint, void, undefined> {
  const stream = checkpointStreamOf(source, consumer);
  for await (const event of store.readStream(stream, { direction: 'backwards' })) {
    const checkpoint = parsed(event);
    if (checkpoint !== undefined) yield checkpoint;
  }
}

function checked(event: RecordedEvent, { source, consumer }: Place): StoredCheckpoint {
  const checkpoint = parsed(event);
  if (checkpoint === undefined) {
    throw new CheckpointUnreadable(event.stream, `it is a ${event.type} without a whole number in pos`);
  }
  const { source: ofSource = source, consumer: ofConsumer = consumer } = checkpoint;
  if (ofSource !== source || ofConsumer !== consumer) {
    throw new CheckpointCollision(event.stream, `${consumer} on ${source}`, `${ofConsumer} on ${ofSource}`);
  }
  return checkpoint;
}

function parsed(event: RecordedEvent): StoredCheckpoint | undefined {
  const fields = fieldsOf(event);
  const pos = numberIn(fields, 'pos');
  if (event.type !== checkpointType || pos === undefined || !Number.isSafeInteger(pos) || pos < -1) return undefined;
  const { revision, created } = event;
  return {
    revision,
    created,
    pos: BigInt(pos),
    eventId: textIn(fields, 'eventId'),
    ahead: rangesIn(fields['ahead']),
    source: textIn(fields, 'source'),
    consumer: textIn(fields, 'consumer'),
    logId: textIn(fields, 'logId'),
    epoch: numberIn(fields, 'epoch'),
    token: numberIn(fields, 'token'),
    host: textIn(fields, 'host'),
    version: textIn(fields, 'version'),
    at: textIn(fields, 'at'),
    who: textIn(fields, 'who'),
    why: textIn(fields, 'why'),
  };
}

function rangesIn(value: unknown): readonly Range[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.filter(
    (range): range is Range => Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger),
  );
}
