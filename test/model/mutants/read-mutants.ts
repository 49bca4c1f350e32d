import { revision, streamName, type StreamName, type SubscriptionMessage } from 'daybook';

import { isDerived, pagedAnew, readChanged, target, type Mutant } from './altered-store.ts';

/** Stores that read, subscribe or scavenge wrongly. */
export const readMutants: readonly Mutant[] = [
  {
    name: 'a read backwards leaves out where it begins',
    alter: (store) => ({
      readStream: (stream, options = {}) => {
        const { from, direction } = options;
        const isAfterFirst = direction === 'backwards' && typeof from === 'bigint' && from > 0n;
        return store.readStream(stream, isAfterFirst ? { ...options, from: revision(from - 1n) } : options);
      },
    }),
  },
  {
    name: 'a limit that fills its page gives one event more',
    alter: (store) => ({
      readStream: (stream, options = {}) => {
        const { limit, pageSize } = options;
        return store.readStream(stream, limit === pageSize && limit ? { ...options, limit: limit + 1 } : options);
      },
    }),
  },
  {
    name: 'derived streams give what their own streams hide',
    alter: (store) => ({
      readStream: (stream, options) => {
        if (!isDerived(stream) || options?.links === 'keep') return store.readStream(stream, options);
        const links = store.readStream(stream, { ...options, links: 'keep' });
        return readChanged(links, (page) => Promise.all(page.map(async (link) => target(store, link))));
      },
    }),
  },
  {
    name: 'the numbers of a derived stream are counted anew when events are hidden',
    alter: (store) => ({
      readStream: (stream, options = {}) => {
        const reading = store.readStream(stream, options);
        const { links, from, direction } = options;
        if (!isDerived(stream) || links === 'keep' || from !== undefined || direction === 'backwards') return reading;
        let number = -1n;
        return readChanged(reading, (page) =>
          page.map((event) => ({ ...event, link: { stream, revision: revision((number += 1n)) } })),
        );
      },
    }),
  },
  {
    name: 'an event type stream leaves out streams without a category',
    alter: (store) => ({
      readStream: (stream, options) => {
        const reading = store.readStream(stream, options);
        if (!stream.startsWith('$et-') || options?.links === 'keep') return reading;
        return readChanged(reading, (page) => page.filter((event) => event.stream.includes('-')));
      },
    }),
  },
  {
    name: 'a metadata stream shows all its events',
    alter: (store) => ({
      readStream: (stream, options = {}) => {
        if (!stream.startsWith('$$')) return store.readStream(stream, options);
        const { from, limit, direction, pageSize } = options;
        const isWithin = (at: bigint): boolean =>
          typeof from !== 'bigint' || (direction === 'backwards' ? at <= from : at >= from);
        let left = limit ?? Infinity;
        return readChanged(store.readAll({ direction, pageSize, filter: { streamPrefixes: [stream] } }), (page) => {
          const events = page.filter((event) => event.stream === stream && isWithin(event.revision)).slice(0, left);
          left -= events.length;
          return events;
        });
      },
    }),
  },
  {
    name: 'the log shows only what its streams show',
    alter: (store) => ({
      readAll: (options) =>
        readChanged(store.readAll(options), async (page) => {
          const shown = await Promise.all(
            page.map(async (event) => {
              const { firstRevision } = await store.streamState(event.stream);
              return event.stream.startsWith('$') || (firstRevision !== undefined && event.revision >= firstRevision);
            }),
          );
          return page.filter((_, index) => shown[index]);
        }),
    }),
  },
  {
    name: 'a subscription begins with the event that was seen last',
    alter: (store) => ({
      subscribeToStream: (stream, options = {}) => {
        const { after } = options;
        if (typeof after !== 'bigint') return store.subscribeToStream(stream, options);
        return store.subscribeToStream(stream, { ...options, after: after > 0n ? revision(after - 1n) : 'start' });
      },
    }),
  },
  {
    name: 'the first live event of a subscription comes twice',
    alter: (store) => ({
      subscribeToStream: (stream, options) =>
        pagedAnew(async function* twice() {
          let state: 'reading' | 'live' | 'over' = 'reading';
          for await (const message of store.subscribeToStream(stream, options)) {
            const page: SubscriptionMessage[] = [message];
            if (message.kind === 'caught-up' && state === 'reading') state = 'live';
            if (message.kind === 'event' && state === 'live') {
              state = 'over';
              page.push(message);
            }
            yield page;
          }
        }),
    }),
  },
  {
    name: 'the state of a truncated stream begins at 0',
    alter: (store) => ({
      streamState: async (stream) => {
        const state = await store.streamState(stream);
        return state.firstRevision === undefined ? state : { ...state, firstRevision: revision(0) };
      },
    }),
  },
  {
    name: 'a scavenge takes the last event of a deleted stream too',
    alter: (store) => {
      const names = new Set<StreamName>();
      const gone = new Map<StreamName, bigint>();
      return {
        deleteStream: (stream, options) => {
          names.add(stream);
          return store.deleteStream(stream, options);
        },
        scavenge: async function* scavenge(options) {
          yield* store.scavenge(options);
          for (const stream of names) {
            const { status, revision: last } = await store.streamState(streamName(stream));
            if (status === 'deleted' && last !== undefined) gone.set(stream, last);
          }
        },
        readAll: (options) =>
          readChanged(store.readAll(options), (page) =>
            page.filter(({ stream, revision: at }) => at > (gone.get(stream) ?? -1n)),
          ),
      };
    },
  },
];
