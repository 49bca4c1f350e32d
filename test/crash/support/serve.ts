import type { EventStore } from 'daybook';

/** Serves a store to official clients, without TLS and users, on this machine only. */
export async function serve(store: EventStore, port: number): Promise<void> {
  const room = 'daybook-server';
  const { startServer } = (await import(room)) as { startServer: (options: object) => Promise<unknown> };
  await startServer({ store, port, dev: true });
}
