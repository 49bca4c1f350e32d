import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { jsonData, jsonMetadata } from '../store/json-event.ts';
import type { Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { eventIdOf } from './command-id.ts';
import { CommandIdReused } from './errors.ts';
import type { HandledEvents } from './handled.ts';

/** In the metadata of a command's first event: the hash of its input. */
export const commandHashKey = '$commandHash';

/** In the metadata of a command's first event: its id, where that is not the id of the event. */
export const commandIdKey = '$commandId';

/** In the metadata of a command's first event, where a store cannot tell who appended it: the attempt. */
export const attemptIdKey = '$attemptId';

/** What tells one command from another. */
export interface CommandIdentity {
  readonly commandId: string;
  /** Of its first event. The others follow from it. */
  readonly firstId: string;
  readonly hash: string;
  /** Of this very call, for a store that guesses. */
  readonly attemptId: string | undefined;
}

/** How many events of a stream are read at once in the search for the events of a command. */
const pageSize = 50;

/**
 * What a command did when it was handled first: `at` is where its first event stands. `undefined` when it is not there
 * any more. Only of a store that guesses it may turn out that this very call appended it.
 *
 * @throws CommandIdReused when that was another command with the same id.
 */
export async function firstResult(
  store: EventStore,
  {
    stream,
    at,
    identity,
    signal,
  }: {
    readonly stream: StreamName;
    readonly at: Revision;
    readonly identity: CommandIdentity;
    readonly signal: AbortSignal | undefined;
  },
): Promise<HandledEvents | undefined> {
  const found: RecordedEvent[] = [];
  for await (const event of store.readStream(stream, { from: at, pageSize, signal })) {
    if (event.id !== eventIdOf(identity.firstId, found.length)) break;
    found.push(event);
  }
  const [first] = found;
  const last = found.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const metadata = metadataOf(first);
  checkSame(first, metadata, identity);
  const isOwn = identity.attemptId !== undefined && metadata[attemptIdKey] === identity.attemptId;
  return {
    outcome: isOwn ? 'appended' : 'repeated',
    stream,
    firstRevision: first.revision,
    revision: last.revision,
    position: last.position,
    events: found.map((event) => ({
      id: event.id,
      revision: event.revision,
      type: event.type,
      data: jsonData(event),
    })),
  };
}

/** Where an event with this id stands in a stream. */
export async function findEvent(
  store: EventStore,
  {
    stream,
    id,
    signal,
  }: {
    readonly stream: StreamName;
    readonly id: string;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Revision | undefined> {
  for await (const page of store.readStream(stream, { signal }).pages()) {
    const found = page.find((event) => event.id === id);
    if (found !== undefined) return found.revision;
  }
  return undefined;
}

/** Who has the same id, or the same business key and another id, is the same command. Who has the same id and another input is not. */
function checkSame(
  first: RecordedEvent,
  metadata: Readonly<Record<string, unknown>>,
  { commandId, hash }: CommandIdentity,
): void {
  const { [commandIdKey]: id = first.id, [commandHashKey]: firstHash = hash } = metadata;
  if (id !== commandId || firstHash === hash) return;
  throw new CommandIdReused({ commandId, stream: first.stream, revision: first.revision });
}

function metadataOf(event: RecordedEvent): Readonly<Record<string, unknown>> {
  try {
    const metadata = jsonMetadata(event);
    return typeof metadata === 'object' && metadata !== null ? { ...metadata } : {};
  } catch {
    return {}; // Metadata may be anything. An event that says nothing of its command cannot contradict.
  }
}
