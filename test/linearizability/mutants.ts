import { setImmediate } from 'node:timers/promises';

import { WrongExpectedRevision, type RecordedEvent, type ScavengingStore } from 'daybook';

import { pagedAnew, type Mutant } from '../model/mutants/altered-store.ts';

/** Stores that are right as long as one worker uses them. */
export const concurrencyMutants: readonly Mutant[] = [
  {
    name: 'the check of the revision and the append are two steps: updates are lost',
    alter: (store) => ({
      append: async (stream, events, { expected }) => {
        const actual = (await store.streamState(stream)).revision ?? 'no-stream';
        if (expected !== 'any' && expected !== actual) {
          const [first] = await Array.fromAsync(store.readStream(stream, { limit: 1 }));
          const isRepeat = await has(store, stream, events[0]?.id);
          if (first !== undefined && isRepeat) return store.append(stream, events, { expected });
          throw new WrongExpectedRevision({ stream, expected, actual, isDeleted: false });
        }
        await setImmediate();
        return store.append(stream, events, { expected: 'any' });
      },
    }),
  },
  {
    name: 'a read may be as old as the one before it',
    alter: (store) => {
      const known = new Map<string, readonly RecordedEvent[]>();
      return {
        readStream: (stream, options) =>
          pagedAnew(async function* stale() {
            const events = await Array.fromAsync(store.readStream(stream, options));
            const page = known.get(stream) ?? events;
            known.set(stream, events);
            if (page.length > 0) yield page;
          }),
      };
    },
  },
  {
    name: 'a refusal says where the stream was a little earlier',
    alter: (store) => ({
      append: async (stream, events, options) => {
        const actual = (await store.streamState(stream)).revision ?? 'no-stream';
        await setImmediate();
        await setImmediate();
        await setImmediate();
        return store.append(stream, events, options).catch((error: unknown) => {
          if (!(error instanceof WrongExpectedRevision)) throw error;
          throw new WrongExpectedRevision({ stream, expected: options.expected, actual, isDeleted: false });
        });
      },
    }),
  },
];

async function has(
  store: ScavengingStore,
  stream: Parameters<ScavengingStore['readStream']>[0],
  id: string | undefined,
): Promise<boolean> {
  for await (const event of store.readStream(stream)) if (event.id === id) return true;
  return false;
}
