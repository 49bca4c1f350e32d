import { randomUUID } from 'node:crypto';
import { Duplex } from 'node:stream';

import {
  revision,
  type AppendAllOptions,
  type Appended,
  type EventStore,
  type NewEvent,
  type StreamAppend,
} from 'daybook';

import type { LaneStore } from './lane.ts';
import { withAppend } from './with-append.ts';

/** A store with a mistake: it commits an append in two transactions. */
export function inTwoTransactions(store: LaneStore): LaneStore {
  return {
    readStream: (stream, options) => store.readStream(stream, options),
    async append(stream, events, options) {
      if (events.length < 2) return store.append(stream, events, options);
      const half = Math.ceil(events.length / 2);
      const first = await store.append(stream, events.slice(0, half), options);
      const second = await store.append(stream, events.slice(half), { expected: revision(first.revision) });
      return { ...second, firstRevision: first.firstRevision } satisfies Appended;
    },
    async appendAll(appends: readonly StreamAppend[], options?: AppendAllOptions) {
      const answers = [];
      for (const append of appends) answers.push(await store.appendAll([append], options));
      const last = answers.at(-1) ?? { outcome: 'appended' };
      return { ...last, streams: answers.flatMap(({ streams }) => streams) };
    },
  };
}

/** A store with a mistake: it does not look at ids, so that what is sent again is appended again. */
export function ignoringIds(store: EventStore): EventStore {
  return withAppend(store, (stream, events, options) => store.append(stream, withNewIds(events), options));
}

/** The events under other ids: how a store behaves that ignores them. */
function withNewIds(events: readonly NewEvent[]): readonly NewEvent[] {
  return events.map((event) => ({ ...event, id: randomUUID() }));
}

/** A server with a mistake: it does not wait for clients that do not read. From now on, in this process. */
export function ignoringDrain(): void {
  const write: unknown = Reflect.get(Duplex.prototype, 'write');
  if (typeof write !== 'function') throw new TypeError('A stream has no method to write.');
  const impatient = function (this: Duplex, ...args: readonly unknown[]): boolean {
    Reflect.apply(write, this, args);
    return true;
  };
  Object.assign(Duplex.prototype, { write: impatient });
}

/** A server with a mistake: what was to end after seconds never does. From now on, in this process. */
export function withoutDeadlines(): void {
  const { setTimeout: original } = globalThis;
  const patient = (run: () => void, ms = 0): NodeJS.Timeout => original(run, ms >= 5_000 ? 2 ** 31 - 1 : ms);
  Object.assign(globalThis, { setTimeout: patient });
}

/** A store with a mistake: each subscription holds memory while it waits. */
export function holdingMemory(store: EventStore): EventStore {
  const heldBytes = 64 * 1024;
  const held: Uint8Array[] = [];
  return new Proxy(store, {
    get(target, name) {
      if (name === 'subscribeToAll') held.push(new Uint8Array(heldBytes).fill(1));
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
