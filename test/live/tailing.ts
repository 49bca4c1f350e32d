import { setImmediate } from 'node:timers/promises';

import { jsonEvent, streamName, type EventStore, type Position } from 'daybook';

import type { Random } from '../linearizability/random.ts';

/** What many writers and readers do to one log at once. */
export interface TailingWorkload {
  readonly writers: number;
  readonly readers: number;
  /** Of each writer. */
  readonly appends: number;
  readonly random: Random;
  /** Before the names of the streams. */
  readonly prefix: string;
}

/** What went wrong: nothing, when all are 0. */
export interface Tailed {
  readonly lost: number;
  readonly repeated: number;
  readonly outOfOrder: number;
}

/** How a reader follows the log. */
export type Tail = (store: EventStore, tailing: Tailing) => Promise<void>;

/** The reader's part of a workload. */
export interface Tailing {
  readonly prefix: string;
  readonly random: Random;
  readonly after: Position;
  /** Takes an event. Says whether there are more to come. */
  readonly take: (event: { readonly id: string; readonly position: bigint }) => boolean;
  /** Ends when nothing more is appended. */
  readonly isOver: () => boolean;
}

/** Turns of the event loop that a reader goes on for when all is appended: what has not come by then is lost. */
const turnsAfterEnd = 2_000;

/** Lets readers follow the log while writers append to it, and compares what each of them saw with the log. */
export async function tail(store: EventStore, workload: TailingWorkload, how: readonly Tail[]): Promise<Tailed> {
  const { writers, readers, prefix, random } = workload;
  const after = (await store.head()).position ?? (0n as Position); // 0 is before the first.
  const total = { events: 0, left: writers };
  const seen = Array.from({ length: readers }, (): { id: string; position: bigint }[] => []);
  const tails = seen.map(async (events, reader) =>
    how[reader % how.length]!(store, {
      prefix,
      random,
      after,
      take: (event) => events.push({ id: event.id, position: event.position }) < total.events || total.left > 0,
      isOver: () => total.left === 0,
    }),
  );
  const appends = Array.from({ length: writers }, async (_, writer) => {
    const events = await write(store, workload, writer);
    total.events += events;
    total.left -= 1;
  });
  await Promise.all([...appends, ...tails]);
  const log = (await Array.fromAsync(store.readAll({ filter: { streamPrefixes: [prefix] } }))).map(({ id }) => id);
  return {
    lost: seen.reduce((lost, events) => lost + log.length - new Set(events.map(({ id }) => id)).size, 0),
    repeated: seen.reduce((repeated, events) => repeated + events.length - new Set(events.map(({ id }) => id)).size, 0),
    outOfOrder: seen.reduce(
      (wrong, events) =>
        wrong + events.filter((event, index) => index > 0 && event.position <= events[index - 1]!.position).length,
      0,
    ),
  };
}

/** Subscribes once and stays. */
export const subscribes: Tail = async (store, { prefix, after, take, isOver }) => {
  const filter = { streamPrefixes: [prefix] };
  const controller = new AbortController();
  const watching = endWhenOver(isOver, controller);
  await untilAborted(controller.signal, async () => {
    for await (const message of store.subscribeToAll({ after, filter, signal: controller.signal })) {
      if (message.kind === 'event' && !take(message.event)) break;
    }
  });
  controller.abort();
  await watching;
};

/** Subscribes to everything, leaves after a while, and goes on after the last position it has seen. */
export const reconnects: Tail = async (store, { prefix, random, after, take, isOver }) => {
  let reached = after;
  let goesOn = true;
  const controller = new AbortController();
  const watching = endWhenOver(isOver, controller);
  await untilAborted(controller.signal, async () => {
    while (goesOn) {
      let left = 1 + random.below(200);
      for await (const message of store.subscribeToAll({ after: reached, signal: controller.signal })) {
        if (message.kind !== 'event') continue;
        reached = message.event.position;
        if (message.event.stream.startsWith(prefix)) goesOn = take(message.event);
        left -= 1;
        if (!goesOn || left === 0) break;
      }
    }
  });
  controller.abort();
  await watching;
};

/** Asks again and again for what stands after the last position it has seen. */
export const polls: Tail = async (store, { prefix, random, after, take, isOver }) => {
  let reached = after;
  for (let turns = 0; turns < turnsAfterEnd; turns += isOver() ? 1 : 0) {
    const from = (reached + 1n) as Position; // The next one, or the first after it.
    for await (const event of store.readAll({ from, filter: { streamPrefixes: [prefix] } })) {
      reached = event.position;
      if (!take(event)) return;
    }
    for (let pause = random.below(3); pause >= 0; pause -= 1) await setImmediate();
  }
};

async function write(store: EventStore, workload: TailingWorkload, writer: number): Promise<number> {
  const { appends, random, prefix } = workload;
  let events = 0;
  for (let i = 0; i < appends; i += 1) {
    for (let pause = random.below(4); pause > 0; pause -= 1) await setImmediate();
    const batch = Array.from({ length: 1 + random.below(4) }, () => jsonEvent({ type: 'Tailed', data: writer }));
    await store.append(streamName(`${prefix}-${random.below(workload.writers)}`), batch, { expected: 'any' });
    events += batch.length;
  }
  return events;
}

/** Aborts some turns after all is appended. */
async function endWhenOver(isOver: () => boolean, controller: AbortController): Promise<void> {
  for (let turns = 0; turns < turnsAfterEnd && !controller.signal.aborted; turns += isOver() ? 1 : 0) {
    await setImmediate();
  }
  controller.abort();
}

async function untilAborted(signal: AbortSignal, run: () => Promise<void>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (error !== signal.reason) throw error;
  }
}
