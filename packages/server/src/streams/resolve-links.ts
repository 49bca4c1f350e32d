import {
  linkEvent,
  revision,
  streamName,
  DaybookError,
  type EventStore,
  type RecordedEvent,
  type Revision,
  type StreamName,
} from 'daybook';

import type { ReadEvent } from '../protocol/event-frames.ts';
import { largestNumber } from './parse-request.ts';

/** The type of an event that stands for another one. */
const linkType = '$>';

/** The codes with which a store says that there is nothing to read. */
const goneCodes: readonly string[] = ['stream-tombstoned', 'invalid-stream-name'];

/** Events with the links that led to them: those of derived streams, and those that somebody appended. */
export async function resolved(store: EventStore, events: readonly RecordedEvent[]): Promise<readonly ReadEvent[]> {
  if (!events.some(isAppended)) return events.map(withLink);
  const all: ReadEvent[] = [];
  for (const event of events) all.push(isAppended(event) ? await followed(store, event) : withLink(event));
  return all;
}

function isAppended({ type, link }: RecordedEvent): boolean {
  return type === linkType && link === undefined;
}

function withLink(event: RecordedEvent): ReadEvent {
  return event.link === undefined ? { event } : { event, link: linkEvent(event, event.link) };
}

/** An appended link and what it stands for. A link that cannot be parsed is an event like others. */
async function followed(store: EventStore, link: RecordedEvent): Promise<ReadEvent> {
  const target = targetOf(link);
  if (target === undefined) return { event: link };
  const event = await eventAt(store, target);
  return event === undefined ? { link } : { event, link };
}

async function eventAt(store: EventStore, target: Target): Promise<RecordedEvent | undefined> {
  try {
    const found = store.readStream(target.stream, { from: target.revision, limit: 1, links: 'keep' });
    for await (const event of found) return event.revision === target.revision ? event : undefined;
    return undefined;
  } catch (error) {
    if (error instanceof DaybookError && goneCodes.includes(error.code)) return undefined;
    throw error;
  }
}

interface Target {
  readonly stream: StreamName;
  readonly revision: Revision;
}

/** The body of a link is `revision@stream`; the stream's name may have an `@` of its own. */
function targetOf({ data }: RecordedEvent): Target | undefined {
  const [, number = '', name = ''] = /^(\d{1,19})@(.+)$/s.exec(new TextDecoder().decode(data)) ?? [];
  if (name === '' || BigInt(number) > largestNumber) return undefined;
  try {
    return { stream: streamName(name), revision: revision(BigInt(number)) };
  } catch {
    return undefined; // What cannot be a name is nothing that a link can stand for.
  }
}
