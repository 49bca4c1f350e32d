import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { EventStore } from '../store/event-store.ts';
import type { NewEvent, RecordedEvent } from '../store/event.ts';
import { jsonEvent } from '../store/json-event.ts';
import type { Paged, ReadAllOptions, ReadStreamOptions, Subscription, SubscriptionMessage } from '../store/options.ts';
import type { Position } from '../store/position.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';

/** How long a case waits for something that must come. */
const patienceMs = 20_000;

/** A category that no other case uses. */
export function newCategory(): string {
  return `Contract${randomUUID().slice(0, 13).replace('-', '')}`;
}

/** A stream that no other case uses. */
export function newStream(category: string = newCategory()): StreamName {
  return streamName(`${category}-${randomUUID()}`);
}

/** Events whose data are 0, 1, 2 and so on. */
export function numbered(count: number, type = 'Counted'): readonly NewEvent[] {
  return Array.from({ length: count }, (_, data) => jsonEvent({ type, data }));
}

/** One event of a type. */
export function one(type: string, metadata?: Readonly<Record<string, unknown>>): NewEvent {
  return jsonEvent({ type, data: { type }, metadata });
}

/** All results. */
export async function all<Item>(paged: Paged<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const page of paged.pages()) items.push(...page);
  return items;
}

/** All events that a read of a stream gives. */
export async function read(store: EventStore, stream: string, options?: ReadStreamOptions): Promise<RecordedEvent[]> {
  return all(store.readStream(streamName(stream), options));
}

/** The ids of the events that a read of a stream gives. */
export async function idsIn(store: EventStore, stream: string, options?: ReadStreamOptions): Promise<string[]> {
  return idsOf(await read(store, stream, options));
}

/** The ids of the events of a category, in the order of the log, wherever they are. */
export async function idsOfPrefix(store: EventStore, prefix: string, options?: ReadAllOptions): Promise<string[]> {
  return idsOf(await all(store.readAll({ ...options, filter: { streamPrefixes: [prefix] } })));
}

export function idsOf(events: readonly { readonly id: string }[]): string[] {
  return events.map(({ id }) => id);
}

export function revisionsOf(events: readonly RecordedEvent[]): bigint[] {
  return events.map(({ revision }) => revision);
}

/** The end of the log, or 0 when it is empty. */
export async function endOf(store: EventStore): Promise<Position> {
  return (await store.head()).position ?? (0n as Position); // 0 is before the first.
}

/** The error with which something is refused. It must have the code. */
export async function refused(code: string, refusing: () => Promise<unknown>): Promise<Error> {
  const error = await failure(refusing);
  const found: unknown = Reflect.get(error, 'code');
  assert.equal(found, code, `${String(found)}: ${error.message}`);
  return error;
}

/** The error with which something fails. */
export async function failure(failing: () => Promise<unknown>): Promise<Error> {
  try {
    await failing();
  } catch (error) {
    assert.ok(error instanceof Error, `${String(error)} is no error`);
    return error;
  }
  return assert.fail('it was not refused');
}

/** Fields of an error, by name. */
export function factsOf(error: Error, ...names: readonly string[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(names.map((name) => [name, Reflect.get(error, name)]));
}

/** A subscription that is followed one message at a time. Waiting has a bound. */
export interface Following extends AsyncDisposable {
  next(): Promise<SubscriptionMessage>;
  /** The next event, past other messages. */
  event(): Promise<RecordedEvent>;
  /** The next so many events. */
  events(count: number): Promise<RecordedEvent[]>;
  /** The next message of a kind, with all that came before it. */
  until(kind: SubscriptionMessage['kind']): Promise<readonly SubscriptionMessage[]>;
  /** The error with which the subscription ends. Everything before it is passed over. */
  end(): Promise<Error>;
}

export function follow(subscription: Subscription): Following {
  const iterator = subscription[Symbol.asyncIterator]();
  const turn = async (): Promise<IteratorResult<SubscriptionMessage, undefined>> => bounded(iterator.next());
  const next = async (): Promise<SubscriptionMessage> => {
    const { value, done } = await turn();
    assert.ok(done !== true, 'the subscription ended');
    return value;
  };
  const event = async (): Promise<RecordedEvent> => {
    for (;;) {
      const message = await next();
      if (message.kind === 'event') return message.event;
    }
  };
  return {
    next,
    event,
    events: async (count) => {
      const events: RecordedEvent[] = [];
      while (events.length < count) events.push(await event());
      return events;
    },
    until: async (kind) => {
      const messages = [await next()];
      while (messages.at(-1)?.kind !== kind) messages.push(await next());
      return messages;
    },
    end: async () =>
      failure(async () => {
        while ((await turn()).done !== true);
      }),
    [Symbol.asyncDispose]: async () => {
      await bounded(Promise.resolve(iterator.return?.()));
    },
  };
}

/** Ends when everything that can go on by itself has done so, and now waits. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
}

/** The same promise, but it rejects when it takes too long. */
export async function bounded<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`nothing came within ${patienceMs} ms`)), patienceMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
