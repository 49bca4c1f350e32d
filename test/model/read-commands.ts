import assert from 'node:assert/strict';

import { position, revision, streamName, type Filter, type ReadStreamOptions, type RecordedEvent } from 'daybook';

import type { ModelEvent, ModelLog } from './model-log.ts';
import { checkEvents, storedMetadata, type Command, type Names, type World } from './world.ts';

/** Where a read begins: at an end, at a place counted from the first, or at the time of the nth event of the log. */
export type From = 'default' | { readonly at: number } | { readonly timeOf: number };

export interface ReadPlan {
  /** An ordinary stream, its metadata or a derived stream. */
  readonly stream: number;
  readonly direction: 'forwards' | 'backwards';
  readonly from: From;
  readonly limit: number | undefined;
  readonly pageSize: number;
  readonly links: 'resolve' | 'keep';
}

/** Reads a stream of any kind. */
export class ReadStream implements Command {
  readonly #plan: ReadPlan;

  constructor(plan: ReadPlan) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const stream = anyStream(world.names, this.#plan.stream);
    const { direction, limit, pageSize, links, from } = this.#plan;
    const options: ReadStreamOptions = { direction, limit, pageSize, links, ...realFrom(model, from) };
    const reading = pagesOf(world.store.readStream(streamName(stream), options).pages(), pageSize);
    if (model.gathered(stream) === undefined && model.isTombstoned(stream)) {
      await assert.rejects(reading, { code: 'stream-tombstoned' });
      return;
    }
    const expected = expectedOf(model, stream, this.#plan);
    const found = await reading;
    if (links === 'keep' && model.gathered(stream) !== undefined) {
      assert.deepEqual(
        found.map((link) => [link.stream, link.revision, link.type, Buffer.from(link.data).toString()]),
        expected.map(({ number, event }) => [stream, number, '$>', `${event.revision}@${event.stream}`]),
      );
      return;
    }
    const isDerived = model.gathered(stream) !== undefined;
    checkEvents(
      found,
      expected.map(({ event }) => event),
      isDerived ? expected.map(({ number }) => number) : undefined,
    );
  }

  toString(): string {
    return `read ${JSON.stringify(this.#plan)}`;
  }
}

/** Reads the log through a filter. */
export class ReadAll implements Command {
  readonly #plan: Omit<ReadPlan, 'stream' | 'links'> & { readonly filter: number };

  constructor(plan: Omit<ReadPlan, 'stream' | 'links'> & { readonly filter: number }) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const { direction, limit, pageSize, from } = this.#plan;
    const [filter, passes] = filterOf(world.names, this.#plan.filter);
    const start = placeIn(model, from, direction);
    if (start === undefined) return;
    const reading = world.store.readAll({ direction, limit, pageSize, filter, ...start.options });
    const found = await pagesOf(reading.pages(), pageSize);
    const there = model.events.filter((event) => !event.isFreed && passes(event));
    const ordered = direction === 'forwards' ? there : there.toReversed();
    const within = ordered.filter((event) => {
      const index = model.events.indexOf(event);
      return direction === 'forwards' ? index >= start.index : index <= start.index;
    });
    checkEvents(found, within.slice(0, limit));
    for (const [index, event] of found.entries()) {
      const before = found[index - 1];
      if (before !== undefined) assert.ok(event.position > before.position === (direction === 'forwards'));
    }
  }

  toString(): string {
    return `read $all ${JSON.stringify(this.#plan)}`;
  }
}

/** Asks where a stream stands. */
export class AskState implements Command {
  readonly #stream: number;

  constructor(stream: number) {
    this.#stream = stream;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const stream = anyStream(world.names, this.#stream);
    const gathered = model.gathered(stream);
    const events = gathered ?? model.of(stream);
    const state = await world.store.streamState(streamName(stream));
    assert.equal(state.status, statusIn(model, stream));
    // What the protocol does not say: what a tombstone covers, and below, which links are hidden, and where a last event is that is.
    const { isRemote = false } = world.log;
    if (isRemote && state.status === 'tombstoned') return;
    assert.equal(state.revision, events.length === 0 ? undefined : BigInt(events.length - 1));
    const first = events.findIndex((event) => model.isVisible(event));
    if (!isRemote || gathered === undefined)
      assert.equal(state.firstRevision, first === -1 ? undefined : BigInt(first));
    const known = isRemote && first === -1 ? undefined : events.at(-1)?.position;
    if (known !== undefined) assert.equal(state.position, known);
    if (state.status !== 'tombstoned' && gathered === undefined) {
      assert.deepEqual(state.metadata, storedMetadata(model.metadata(stream)));
    }
  }

  toString(): string {
    return `state ${this.#stream}`;
  }
}

/** Lists streams, categories and types. */
export class List implements Command {
  check(): boolean {
    return true;
  }

  async run(model: ModelLog, { store, names, log }: World): Promise<void> {
    if (log.isRemote) return;
    const found = (await Array.fromAsync(store.listStreams({ prefix: names.prefix }))).map(
      ({ stream, revision: last, events }) => [stream, last, events],
    );
    const listed = names.streams
      .filter((stream) => statusIn(model, stream) === 'exists' && model.of(stream).length > 0)
      .toSorted()
      .map((stream) => {
        const hidden = model.first(stream);
        const count = model.last(stream) + 1n - hidden;
        return [stream, model.last(stream), count < 0n ? 0n : count];
      });
    assert.deepEqual(found, listed);
    const types = (await Array.fromAsync(store.listEventTypes())).filter(({ type }) => type.startsWith(names.prefix));
    assert.deepEqual(
      types,
      names.types
        .map((type) => ({ type, events: BigInt(model.gathered(`$et-${type}`)?.length ?? 0) }))
        .filter(({ events }) => events > 0n),
    );
  }

  toString(): string {
    return 'list';
  }
}

/** Any stream of a run: an ordinary one, metadata of one, or a derived one. */
export function anyStream({ streams, derived }: Names, index: number): string {
  const all = [...streams, ...streams.map((stream) => `$$${stream}`), ...derived];
  return all[index % all.length]!;
}

function statusIn(model: ModelLog, stream: string): string {
  const gathered = model.gathered(stream);
  if (gathered !== undefined) return gathered.length === 0 ? 'no-stream' : 'exists';
  if (model.isTombstoned(stream)) return 'tombstoned';
  if (model.isDeleted(stream)) return 'deleted';
  return model.of(stream).length === 0 ? 'no-stream' : 'exists';
}

function expectedOf(
  model: ModelLog,
  stream: string,
  { direction, from, limit, links }: ReadPlan,
): readonly { event: ModelEvent; number: bigint }[] {
  const gathered = model.gathered(stream);
  const isForwards = direction === 'forwards';
  const places = (gathered ?? model.of(stream)).map((event, number) => ({ event, number: BigInt(number) }));
  const shown = places.filter(({ event }) => (gathered !== undefined && links === 'keep') || model.isVisible(event));
  const within = shown.filter(({ event, number }) => {
    if (from === 'default') return true;
    if ('at' in from) return isForwards ? number >= BigInt(from.at) : number <= BigInt(from.at);
    const index = model.events.indexOf(event);
    const start = timePlace(model, timeIn(model, from.timeOf), direction);
    return isForwards ? index >= start : index <= start;
  });
  return (isForwards ? within : within.toReversed()).slice(0, limit);
}

function realFrom(model: ModelLog, from: From): Pick<ReadStreamOptions, 'from'> {
  if (from === 'default') return {};
  return { from: 'at' in from ? revision(from.at) : new Date(timeIn(model, from.timeOf)) };
}

/** A time near that of an event of the log. */
function timeIn(model: ModelLog, index: number): number {
  const event = model.events[index % Math.max(1, model.events.length)];
  return (event?.createdMs ?? model.nowMs) + ((index % 3) - 1) * 500;
}

/** The place in the log that a time means. */
function timePlace(model: ModelLog, timeMs: number, direction: 'forwards' | 'backwards'): number {
  if (direction === 'backwards') return model.events.findLastIndex(({ createdMs }) => createdMs <= timeMs);
  const found = model.events.findIndex(({ createdMs }) => createdMs >= timeMs);
  return found === -1 ? model.events.length : found;
}

/** Where a read of the log begins, or undefined when the position of that place is not known. */
function placeIn(
  model: ModelLog,
  from: From,
  direction: 'forwards' | 'backwards',
): { index: number; options: { from?: ReturnType<typeof position> | Date } } | undefined {
  if (from === 'default') return { index: direction === 'forwards' ? 0 : model.events.length, options: {} };
  if ('timeOf' in from) {
    const time = timeIn(model, from.timeOf);
    return { index: timePlace(model, time, direction), options: { from: new Date(time) } };
  }
  const known = model.events.filter((event) => event.position !== undefined);
  const event = known[from.at % Math.max(1, known.length)];
  if (event?.position === undefined) return undefined;
  return { index: model.events.indexOf(event), options: { from: position(event.position) } };
}

function isOrdinary({ stream }: ModelEvent): boolean {
  return !stream.startsWith('$');
}

/** A filter of the run's own names, and what it means. */
function filterOf({ prefix, types }: Names, index: number): [Filter, (event: ModelEvent) => boolean] {
  const filters: readonly [Filter, (event: ModelEvent) => boolean][] = [
    [{ streamPrefixes: [prefix, `$$${prefix}`] }, () => true],
    [{ streamPrefixes: [`${prefix}a-`] }, ({ stream }) => stream.startsWith(`${prefix}a-`)],
    [{ categories: [`${prefix}b`] }, (event) => isOrdinary(event) && event.stream.startsWith(`${prefix}b-`)],
    [{ eventTypes: [types[0]!] }, ({ type }) => type === types[0]],
    [{ eventTypePrefixes: types }, ({ type }) => types.includes(type)],
    [{ streamMatches: new RegExp(`^${prefix}.*-1`) }, (event) => isOrdinary(event) && event.stream.includes('-1')],
    [{ eventTypeMatches: new RegExp(`^${prefix}.*ped$`) }, ({ type }) => type === types[1]],
    [
      { categories: [`${prefix}a`], eventTypes: [types[1]!] },
      (event) => isOrdinary(event) && event.stream.startsWith(`${prefix}a-`) && event.type === types[1],
    ],
  ];
  return filters[index % filters.length]!;
}

async function pagesOf(pages: AsyncIterable<readonly RecordedEvent[]>, pageSize: number): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for await (const page of pages) {
    assert.ok(page.length > 0 && page.length <= pageSize, `a page of ${page.length}`);
    events.push(...page);
  }
  return events;
}
