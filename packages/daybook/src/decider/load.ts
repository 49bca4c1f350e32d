import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import type { Position, Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';
import { streamOf } from './events.ts';
import { foldStream, type Folded } from './fold.ts';
import { IdTails, noIdTails } from './id-tails.ts';
import { cachedState, cacheState, type CachedState, type StateCache, type StateKey } from './state-cache.ts';
import type { View } from './view.ts';

/** The place in a stream, or the time, up to which events count. */
export type AsOf = { readonly revision: bigint } | { readonly time: Date };

export interface LoadOptions {
  /** Where states are kept. The answer is as exact as without it: what came after the kept state is read and folded. */
  readonly cache?: StateCache | undefined;
  /** With a cache: a state that was all there was so long ago is good enough, and the store is not asked. Default: 0. */
  readonly maxAgeMs?: number | undefined;
  /**
   * The state as it was: after the event at `revision`, or after the last event that was created at or before `time`.
   * Default: as it is.
   */
  readonly asOf?: AsOf | undefined;
  /** Milliseconds since 1970. Default: the clock. */
  readonly now?: (() => number) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A state, and what of its stream it knows. */
export interface Loaded<State> {
  readonly stream: StreamName;
  readonly state: State;
  /** Of the last event: what an append expects that was decided on this state. Absent: there was no event. */
  readonly revision: Revision | undefined;
  /** Of the same event. */
  readonly position: Position | undefined;
  /** How long ago this was all there was. 0 unless the state came from a cache alone. */
  readonly ageMs: number;
}

/**
 * The state of one thing. Exact, unless `maxAgeMs` allows an older state: it knows every event that was acknowledged
 * before.
 *
 * @throws InvalidOption when options contradict each other, or a view without a name meets a shared cache.
 * @throws StreamTombstoned when the stream was closed for good.
 * @throws EventNotJson, UpcastFailed, StoredEventNotValid when an event cannot be decoded.
 */
export async function load<State>(
  store: EventStore,
  view: View<State>,
  id: string,
  options: LoadOptions = {},
): Promise<Loaded<State>> {
  const stream = streamOf(view, id);
  checkOptions(view, options);
  const { asOf } = options;
  const found = asOf === undefined ? await loadNow(store, view, { id, ...options }) : undefined;
  if (found !== undefined) return loaded(stream, found.folded, found.ageMs);
  return loaded(stream, await loadAsOf(store, view, { id, ...options }), 0);
}

/** What `loadNow` is asked. */
export interface LoadNowOptions extends Omit<LoadOptions, 'asOf'> {
  readonly id: string;
  /** The id of an event to look out for. */
  readonly sought?: string | undefined;
}

/** What `loadNow` gives: the state, how old it may be, and which events it has seen. */
export interface LoadedNow<State> {
  readonly folded: Folded<State>;
  readonly ageMs: number;
  /** Whether the store was asked. */
  readonly isExact: boolean;
  readonly ids: IdTails;
}

/** The state as it is, or as it was at most `maxAgeMs` ago. */
export async function loadNow<State>(
  store: EventStore,
  view: View<State>,
  options: LoadNowOptions,
): Promise<LoadedNow<State>> {
  const { id, cache, maxAgeMs = 0, now = Date.now, sought, signal } = options;
  const stream = streamOf(view, id);
  const key: StateKey = { view: view.key, stream };
  const kept = cache && (await cachedState(cache, key));
  const asOfMs = now();
  if (kept !== undefined) {
    const ageMs = Math.max(0, asOfMs - kept.asOfMs);
    if (ageMs <= maxAgeMs && maxAgeMs > 0) {
      return { folded: foldedOf(kept), ageMs, isExact: false, ids: new IdTails(kept.idTails, sought) };
    }
  }
  for (const start of kept === undefined ? [undefined] : [kept, undefined]) {
    const ids = new IdTails(start?.idTails ?? noIdTails, sought);
    const from: Folded<State> = start === undefined ? nothingOf(view, id) : foldedOf(start);
    const folded = await foldStream(store, view, { stream, start: from, ids, signal });
    if (folded === undefined) continue; // What the cache has is of another past.
    if (cache !== undefined) await cacheState(cache, key, { ...folded, idTails: ids.all(), asOfMs });
    return { folded, ageMs: 0, isExact: true, ids };
  }
  throw new TypeError('A fold from the beginning has nothing to join.');
}

/** The state as it was. A state of a cache is a good start when it is older. */
async function loadAsOf<State>(
  store: EventStore,
  view: View<State>,
  options: LoadOptions & { readonly id: string },
): Promise<Folded<State>> {
  const { id, asOf, cache, signal } = options;
  const stream = streamOf(view, id);
  const upTo = asOf !== undefined && 'revision' in asOf ? asOf.revision : undefined;
  const upToTime = asOf !== undefined && 'time' in asOf ? asOf.time : undefined;
  if (upTo !== undefined && cache !== undefined) {
    const kept = await cachedState(cache, { view: view.key, stream });
    if (kept?.revision !== undefined && kept.revision <= upTo) {
      const folded = await foldStream<State>(store, view, { stream, start: foldedOf(kept), upTo, signal });
      if (folded !== undefined) return folded;
    }
  }
  const start = nothingOf(view, id);
  return (await foldStream(store, view, { stream, start, upTo, upToTime, signal })) ?? start;
}

function checkOptions(view: View, { cache, maxAgeMs, asOf }: LoadOptions): void {
  checkCache(view, cache);
  if (maxAgeMs !== undefined) {
    if (!(maxAgeMs >= 0)) throw new InvalidOption('maxAgeMs', 'it is negative');
    if (cache === undefined) throw new InvalidOption('maxAgeMs', 'without a cache there is no older state');
    if (asOf !== undefined) throw new InvalidOption('maxAgeMs', 'a state as of a place or time has no age');
  }
  if (asOf !== undefined && 'revision' in asOf && asOf.revision < 0n) {
    throw new InvalidOption('asOf', 'no revision is negative');
  }
  if (asOf !== undefined && 'time' in asOf && Number.isNaN(asOf.time.getTime())) {
    throw new InvalidOption('asOf', 'it is no time');
  }
}

/** Throws when the states of a view would be taken for those of another one. */
export function checkCache({ isNamed }: View, cache: StateCache | undefined): void {
  if (cache?.isShared === true && !isNamed) {
    throw new InvalidOption('cache', 'it is shared, and the view has no name to keep its states under');
  }
}

function nothingOf<State>(view: View<State>, id: string): Folded<State> {
  return { state: view.initial(id), revision: undefined, position: undefined, eventId: undefined };
}

function foldedOf<State>({ state, revision, position, eventId }: CachedState): Folded<State> {
  return { state: state as State, revision, position, eventId }; // It was kept under this view's key.
}

function loaded<State>(stream: StreamName, { state, revision, position }: Folded<State>, ageMs: number): Loaded<State> {
  return { stream, state, revision, position, ageMs };
}
