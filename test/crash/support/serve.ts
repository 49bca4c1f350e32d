import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';

/** Serves a store to official clients, without TLS and users, on this machine only. */
export async function serve(store: EventStore, port: number): Promise<void> {
  await startServer({ store, port, dev: true });
}
