import type { EventStore, RecordedEvent, StreamName } from 'daybook';

import { memberTexts } from '../input/member-texts.ts';

/** A member of an event's data, with the text it last had, and the event that it had it from. */
export interface LastValue {
  readonly member: string;
  /** JSON, byte for byte. */
  readonly text: string;
  readonly event: RecordedEvent;
}

/** What the events of a stream say, the last one counting. */
export interface LastValues {
  readonly values: readonly LastValue[];
  /** The last event that counts. Absent when there is none. */
  readonly last: RecordedEvent | undefined;
  readonly events: number;
  /** Events whose data are no JSON object: they say nothing here. */
  readonly silent: number;
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** Each member that the data of the events have, with its last value: up to a revision, if one is given. */
export async function lastValues(
  store: EventStore,
  stream: StreamName,
  options: { readonly upTo: bigint | undefined; readonly signal: AbortSignal },
): Promise<LastValues> {
  const values = new Map<string, LastValue>();
  let last: RecordedEvent | undefined;
  let events = 0;
  let silent = 0;
  for await (const event of store.readStream(stream, { signal: options.signal })) {
    if (options.upTo !== undefined && event.revision > options.upTo) break;
    const members = membersOf(event);
    if (members === undefined) silent += 1;
    for (const [member, text] of members ?? []) values.set(member, { member, text, event });
    last = event;
    events += 1;
  }
  return { values: [...values.values()], last, events, silent };
}

/** The last revision of a stream whose event was created at or before a time. -1 when there is none. */
export async function revisionAt(
  store: EventStore,
  stream: StreamName,
  options: { readonly time: Date; readonly signal: AbortSignal },
): Promise<bigint> {
  let found = -1n;
  for await (const page of store.readStream(stream, { signal: options.signal }).pages()) {
    found = page.findLast(({ created }) => created <= options.time)?.revision ?? found;
  }
  return found;
}

function membersOf({ data, contentType }: RecordedEvent): ReadonlyMap<string, string> | undefined {
  if (contentType !== 'application/json') return undefined;
  try {
    const text = decoder.decode(data);
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? memberTexts(text) : undefined;
  } catch {
    return undefined; // Whatever it claims to be, it is not JSON.
  }
}
