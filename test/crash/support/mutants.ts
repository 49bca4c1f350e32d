import { randomUUID } from 'node:crypto';

import {
  revision,
  type AppendAllOptions,
  type Appended,
  type AppendOptions,
  type EventStore,
  type NewEvent,
  type StreamAppend,
  type StreamName,
} from 'daybook';

import type { LaneStore } from './lane.ts';

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
  return new Proxy(store, {
    get(target, name) {
      if (name === 'append') {
        return (stream: StreamName, events: readonly NewEvent[], options: AppendOptions) =>
          target.append(stream, withNewIds(events), options);
      }
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

/** The events under other ids: how a store behaves that ignores them. */
function withNewIds(events: readonly NewEvent[]): readonly NewEvent[] {
  return events.map((event) => ({ ...event, id: randomUUID() }));
}
