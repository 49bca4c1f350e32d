import type { Peers } from './install.ts';
import type { Peer } from './peer.ts';

/** What we use of `@rotorsoft/act-sqlite`. */
interface Act {
  readonly SqliteStore: new (options: { url: string }) => Store;
}

interface Store {
  readonly seed: () => Promise<void>;
  readonly commit: (
    stream: string,
    events: readonly { readonly name: string; readonly data: unknown }[],
    metadata: object,
  ) => Promise<unknown>;
  readonly query: (
    onEvent: (event: unknown) => void,
    query: { readonly stream: string; readonly stream_exact: true },
  ) => Promise<number>;
  readonly dispose: () => Promise<void>;
}

/** Act on SQLite (libSQL), all appends one after the other: it says itself that it takes one writer at a time. */
export async function openAct(peers: Peers, path: string): Promise<Peer> {
  const { SqliteStore } = (await peers.load('@rotorsoft/act-sqlite')) as Act;
  const store = new SqliteStore({ url: `file:${path}` });
  await store.seed();
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: 'act-sqlite',
    append: (stream, events) => {
      const facts = events.map(({ type, data }) => ({ name: type, data }));
      return (last = last.then(() => store.commit(stream, facts, { correlation: 'bench', causation: {} })));
    },
    read: async (stream) => {
      let found = 0;
      await store.query(() => found++, { stream, stream_exact: true });
      return found;
    },
    [Symbol.asyncDispose]: async () => {
      await last;
      await store.dispose();
    },
  };
}
