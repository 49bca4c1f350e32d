import type { EventStore } from '../../store/event-store.ts';
import type { RecordedEvent } from '../../store/event.ts';
import { streamName, type StreamName } from '../../store/stream-name.ts';
import { checkpointHistory, readCheckpoint, type Place, type StoredCheckpoint } from '../checkpoint.ts';
import { pauseIn, readControls, type RecordedControl } from '../control.ts';
import { readHarmony, type Harmony } from '../harmony.ts';
import { opsStreamOf, statusPrefix } from '../names.ts';
import { readParked } from '../parked.ts';
import {
  defaultFreshnessMs,
  missingHeartbeats,
  readStatus,
  statusHistory,
  type ConsumerState,
  type RecordedStatus,
} from '../status.ts';
import { whatWaits, type Waiting } from '../waiting.ts';
import { placesIn, type DatabaseAnswer, type DatabasePlaces } from './database-answer.ts';

/** A consumer that has to be there. A definition made by `consumer` is one. */
export interface ExpectedConsumer {
  readonly name: string;
  readonly sources: readonly { readonly stream: StreamName }[];
  readonly freshnessMs?: number | undefined;
  /** Asks the database that it keeps its place in. It gives an answer in any case, and soon. Absent: it keeps it in the log. */
  readonly askDatabase?: (() => Promise<DatabaseAnswer>) | undefined;
}

/**
 * How a consumer is, seen from outside. Besides what it may say of itself:
 *
 * - `never-started`: it was expected, and nobody has ever run it.
 * - `silent`: it has said nothing for three heartbeats, whatever it said last.
 * - `stalled`: it says that it lives, an event waits for longer than it may, and nothing moves.
 */
export type ConsumerHealth = ConsumerState | 'never-started' | 'silent' | 'stalled';

/** One source of a consumer, as the log, or its own database, has it. */
export interface SourceLook extends Waiting {
  readonly stream: string;
  /** -1: nothing handled yet. */
  readonly pos: bigint;
}

/** A consumer as the log shows it, whether its process is there or not. */
export interface ConsumerLook {
  readonly consumer: string;
  readonly health: ConsumerHealth;
  /** What it said last. */
  readonly status: RecordedStatus | undefined;
  readonly sources: readonly SourceLook[];
  readonly lagEvents: bigint;
  /** The event that has waited for the longest time, and how long. */
  readonly oldest: RecordedEvent | undefined;
  readonly oldestAgeMs: number;
  /** Since it said something. */
  readonly heartbeatAgeMs: number | undefined;
  /** Since its checkpoint moved, or a pause ended. `Infinity`: it never did. */
  readonly progressAgeMs: number;
  readonly pause: (RecordedControl & { readonly kind: 'pause' }) | undefined;
  readonly parkedStreams: number;
  readonly parkedEvents: number;
  readonly freshnessMs: number;
  /** Of a read model: what its database has answered, if it was asked. Then its places are those in `sources`. */
  readonly database: DatabaseAnswer | undefined;
  /** Of a read model: what whoever compares it with the log has said last. */
  readonly harmony: Harmony | undefined;
}

/** Statuses, and checkpoints, that are looked at for the last one that was different. */
const lookedBack = 200;

export interface LookOptions {
  /** Consumers that have to be there, besides those that have ever run. */
  readonly expect?: readonly ExpectedConsumer[] | undefined;
  /** Milliseconds since 1970, by the clock that the store goes by. */
  readonly nowMs: number;
}

/**
 * Looks at every consumer that has ever run, or is expected. Reads the log, asks the databases of those read models that
 * are expected with one, and believes no heartbeat that says something else.
 */
export async function lookAtConsumers(store: EventStore, options: LookOptions): Promise<readonly ConsumerLook[]> {
  const expected = new Map((options.expect ?? []).map((each) => [each.name, askedNow(each)]));
  const names = new Set(expected.keys());
  for await (const { stream } of store.listStreams({ prefix: statusPrefix, system: 'include' })) {
    names.add(stream.slice(statusPrefix.length));
  }
  const looks: ConsumerLook[] = [];
  for (const name of [...names].toSorted()) {
    looks.push(await lookAtConsumer(store, name, { nowMs: options.nowMs, expected: expected.get(name) }));
  }
  return looks;
}

/** The same consumer, with the question under way: no database waits for the answer of another. */
function askedNow(expected: ExpectedConsumer): ExpectedConsumer {
  const answer = expected.askDatabase?.();
  return answer === undefined ? expected : { ...expected, askDatabase: () => answer };
}

/** Looks at one consumer. */
export async function lookAtConsumer(
  store: EventStore,
  consumer: string,
  { nowMs, expected }: { readonly nowMs: number; readonly expected?: ExpectedConsumer | undefined },
): Promise<ConsumerLook> {
  // First, so that what the log says is not older: an end that lies before a place is one that was lost.
  const database = await expected?.askDatabase?.();
  const places = placesIn(database);
  const status = await readStatus(store, consumer);
  const sources: SourceLook[] = [];
  const moved: number[] = [];
  for (const source of streamsOf(expected, status)) {
    const place = { source, consumer };
    const checkpoint = await readCheckpoint(store, place);
    sources.push(await lookAtSource(store, place, { checkpoint, status, places }));
    const since = checkpoint === undefined ? undefined : await movedSince(store, place, checkpoint);
    if (since !== undefined) moved.push(since);
  }
  if (places !== undefined) moved.push(await databaseMovedSince(store, { consumer, places, nowMs }));
  else if (moved.length === 0 && status !== undefined) moved.push(await statusMovedSince(store, status));
  const controls = await readControls(store, consumer);
  // Nothing moves in a pause, and when it is over nothing has stood still yet.
  moved.push(pauseEndedMs(controls, nowMs));
  const parked = [...(await readParked(store, consumer)).values()];
  const [oldest] = sources
    .flatMap((source) => source.oldest ?? [])
    .toSorted((a, b) => a.created.getTime() - b.created.getTime());
  const facts = {
    consumer,
    status,
    sources,
    lagEvents: sources.reduce((sum, { lagEvents }) => sum + lagEvents, 0n),
    oldest,
    oldestAgeMs: oldest === undefined ? 0 : Math.max(0, nowMs - oldest.created.getTime()),
    heartbeatAgeMs: status === undefined ? undefined : Math.max(0, nowMs - status.created.getTime()),
    progressAgeMs: Math.max(0, nowMs - Math.max(...moved)),
    pause: pauseIn(controls, nowMs),
    parkedStreams: parked.length,
    parkedEvents: parked.flat().length,
    freshnessMs: status?.freshnessMs ?? expected?.freshnessMs ?? defaultFreshnessMs,
    database,
    harmony: status?.kind === 'read-model' ? await readHarmony(store, consumer) : undefined,
  };
  return { ...facts, health: healthOf(facts) };
}

/** What a consumer follows. A status may be anybody's: what is no name of a stream is left out. */
function streamsOf(
  expected: ExpectedConsumer | undefined,
  status: RecordedStatus | undefined,
): ReadonlySet<StreamName> {
  const named = [...(expected?.sources ?? []), ...(status?.sources ?? [])];
  return new Set(named.flatMap(({ stream }) => streamNameIn(stream) ?? []));
}

function streamNameIn(text: string): StreamName | undefined {
  try {
    return streamName(text);
  } catch {
    return undefined;
  }
}

/** Works out how a consumer is. What its process says counts only as long as nothing speaks against it. */
function healthOf(look: Omit<ConsumerLook, 'health'>): ConsumerHealth {
  const { status, heartbeatAgeMs = 0, progressAgeMs, oldestAgeMs, freshnessMs, pause } = look;
  if (status === undefined) return 'never-started';
  if (status.state === 'failed' || status.state === 'stopped') return status.state;
  if (heartbeatAgeMs > missingHeartbeats * status.heartbeatMs) return 'silent';
  if (pause !== undefined) return 'paused';
  if (oldestAgeMs > freshnessMs && progressAgeMs > freshnessMs) return 'stalled';
  return status.state;
}

/** When the last pause was over, if one is. */
function pauseEndedMs(controls: readonly RecordedControl[], nowMs: number): number {
  const last = controls.findLast(({ kind }) => kind === 'pause' || kind === 'resume');
  if (last === undefined) return -Infinity;
  const endMs = last.kind === 'pause' ? last.until.getTime() : last.created.getTime();
  return endMs <= nowMs ? endMs : -Infinity;
}

/** What may say where a consumer is. */
interface Known {
  readonly checkpoint: StoredCheckpoint | undefined;
  readonly status: RecordedStatus | undefined;
  readonly places: DatabasePlaces | undefined;
}

async function lookAtSource(
  store: EventStore,
  { source }: Place,
  { checkpoint, status, places }: Known,
): Promise<SourceLook> {
  const said = status?.sources.find(({ stream }) => stream === source)?.pos;
  // A read model keeps its checkpoint elsewhere. What it says about it counts only if nobody asks there.
  const pos =
    places === undefined ? (checkpoint?.pos ?? BigInt(Math.trunc(said ?? -1))) : (places.numbers.get(source) ?? -1n);
  return { stream: source, pos, ...(await whatWaits(store, source, pos)) };
}

/** Since when a checkpoint is where it is. Whoever only begins anew has not moved. */
async function movedSince(store: EventStore, place: Place, last: StoredCheckpoint): Promise<number> {
  let since = last.created.getTime();
  let looked = 0;
  for await (const { pos, created } of checkpointHistory(store, place)) {
    looked += 1;
    if (pos !== last.pos || looked > lookedBack) break;
    since = created.getTime();
  }
  return since;
}

/** The same from what a consumer says about itself. */
async function statusMovedSince(store: EventStore, last: RecordedStatus): Promise<number> {
  let since = last.created.getTime();
  let looked = 0;
  for await (const status of statusHistory(store, last.consumer)) {
    looked += 1;
    if (claimed(status) !== claimed(last) || looked > lookedBack) break;
    since = status.created.getTime();
  }
  return since;
}

/**
 * Since when a database has stood where it stands. A read model that has said since a time that it is there, or further,
 * has at least not moved since then, whether that was true or not; and whoever asks remembers what it was told. What it
 * said before it fell back, as after a switch back or a restore, was about other tables.
 */
async function databaseMovedSince(
  store: EventStore,
  { consumer, places, nowMs }: { readonly consumer: string; readonly places: DatabasePlaces; readonly nowMs: number },
): Promise<number> {
  if (places.hasChanged === true) return places.sinceMs;
  let since = nowMs;
  let looked = 0;
  let next: RecordedStatus | undefined;
  for await (const status of statusHistory(store, consumer)) {
    looked += 1;
    const isBehind = status.sources.some(({ stream, pos }) => pos < (places.numbers.get(stream) ?? -1n));
    if (isBehind || hasFallen(status, next) || looked > lookedBack) break;
    since = status.created.getTime();
    next = status;
  }
  return Math.max(Math.min(since, places.sinceMs), await changedMs(store, consumer));
}

/** When somebody last changed a read model: the tables that were switched back stand elsewhere, and have not stood still. */
async function changedMs(store: EventStore, readModel: string): Promise<number> {
  const last = store.readStream(opsStreamOf(readModel), { direction: 'backwards', limit: 1 });
  for await (const { created } of last) return created.getTime();
  return -Infinity;
}

function hasFallen(from: RecordedStatus, to: RecordedStatus | undefined): boolean {
  return from.sources.some(({ stream, pos }) => pos > (to?.sources.find((each) => each.stream === stream)?.pos ?? pos));
}

function claimed({ sources }: RecordedStatus): string {
  return sources.map(({ stream, pos }) => `${stream} ${pos}`).join();
}
