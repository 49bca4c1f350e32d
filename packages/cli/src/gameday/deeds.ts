import { existsSync, readFileSync } from 'node:fs';

import { isSystemStream, type EventStore } from 'daybook';

import type { EventName } from './plan.ts';

/** An event that a consumer has handled. */
export interface Delivery extends EventName {
  /** The same each time, and for no other event. */
  readonly key: string;
  /** What it asked for. */
  readonly effects: readonly unknown[];
}

/** What a consumer did. */
export interface Deeds {
  /** In the order in which they were done. */
  readonly deliveries: readonly Delivery[];
  /** How often it appended an event of a type to a stream, by both. */
  readonly appended: ReadonlyMap<string, number>;
}

/** What a consumer has handled, and what it appended behind the events that were there. */
export async function deedsOf(store: EventStore, path: string, given: ReadonlySet<string>): Promise<Deeds> {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').split('\n') : [];
  const appended = new Map<string, number>();
  for await (const { id, type, stream } of store.readAll()) {
    if (given.has(id) || isSystemStream(stream) || stream.endsWith('_checkpoints')) continue;
    const what = `${type} in ${stream}`;
    appended.set(what, (appended.get(what) ?? 0) + 1);
  }
  // What was being written when the process was killed is no line yet.
  const deliveries = lines.slice(0, -1).map((line) => JSON.parse(line) as Delivery); // Written by the process itself.
  return { deliveries, appended };
}
