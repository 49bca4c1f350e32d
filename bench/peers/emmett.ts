import type { Peers } from './install.ts';
import type { Peer, PeerEvent } from './peer.ts';

/** What we use of `@event-driven-io/emmett-sqlite`. */
interface Emmett {
  readonly sqliteConnection: (options: { fileName: string }) => Connection;
  readonly getSQLiteEventStore: (options: {
    fileName: string;
    connectionOptions?: { singleton: true; connection: Connection };
  }) => Store;
}

interface Connection {
  readonly close: () => void;
}

interface Store {
  readonly appendToStream: (stream: string, events: readonly PeerEvent[]) => Promise<unknown>;
  readonly readStream: (stream: string) => Promise<{ events: readonly unknown[] }>;
}

/**
 * Emmett on SQLite, all appends through one connection and one after the other: with its own default, a connection for
 * each call, it is four times slower, and appends at the same time fail.
 */
export async function openEmmett(peers: Peers, path: string): Promise<Peer> {
  const { sqliteConnection, getSQLiteEventStore } = (await peers.load('@event-driven-io/emmett-sqlite')) as Emmett;
  const connection = sqliteConnection({ fileName: path });
  const store = getSQLiteEventStore({ fileName: path, connectionOptions: { singleton: true, connection } });
  let last: Promise<unknown> = Promise.resolve();
  return {
    name: 'emmett-sqlite',
    append: (stream, events) => (last = last.then(() => store.appendToStream(stream, events))),
    read: async (stream) => (await store.readStream(stream)).events.length,
    [Symbol.asyncDispose]: async () => {
      await last;
      connection.close();
    },
  };
}
