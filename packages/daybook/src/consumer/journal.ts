import type { EventStore } from '../store/event-store.ts';
import type { NewEvent, RecordedEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import { jsonEvent } from '../store/json-event.ts';
import type { Appended } from '../store/options.ts';
import { setStreamMetadata } from '../store/stream-metadata.ts';
import type { StreamName } from '../store/stream-name.ts';
import { isUnknownOutcome } from './failures.ts';

/** A stream of a service's own, and how many of its events are kept. */
export interface Journal {
  readonly stream: StreamName;
  /** Default: all. */
  readonly keepEvents?: number | undefined;
}

const decoder = new TextDecoder();

/** Appends one event. The first one of a stream says how many are kept. */
export async function appendTo(
  store: EventStore,
  { stream, keepEvents }: Journal,
  event: { readonly type: string; readonly data: unknown; readonly expected: ExpectedRevision },
): Promise<Appended> {
  const { type, data, expected } = event;
  const appended = await appendOnce(store, { stream, event: jsonEvent({ type, data }), expected });
  if (keepEvents !== undefined && appended.firstRevision === 0n) await keepOnly(store, stream, keepEvents);
  return appended;
}

/** The last event of a stream, if a read gives one. */
export async function lastEvent(store: EventStore, stream: StreamName): Promise<RecordedEvent | undefined> {
  for await (const event of store.readStream(stream, { direction: 'backwards', limit: 1 })) return event;
  return undefined;
}

/** The data of an event as an object. Whatever else they are is no fields: these streams are open to other writers. */
export function fieldsOf({ data }: Pick<RecordedEvent, 'data'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(decoder.decode(data));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

/** A field that is a text. */
export function textIn(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

/** A field that is a finite number. */
export function numberIn(fields: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Appends, and asks once more when nobody knows whether it was written: the id says so. */
async function appendOnce(
  store: EventStore,
  { stream, event, expected }: { stream: StreamName; event: NewEvent; expected: ExpectedRevision },
): Promise<Appended> {
  try {
    return await store.append(stream, [event], { expected });
  } catch (error) {
    if (!isUnknownOutcome(error)) throw error;
    return await store.append(stream, [event], { expected });
  }
}

async function keepOnly(store: EventStore, stream: StreamName, maxCount: number): Promise<void> {
  const { metadata } = await store.streamState(stream);
  if (metadata.maxCount !== undefined) return;
  await setStreamMetadata(store, stream, { metadata: { ...metadata, maxCount }, expected: 'any' });
}
