import { once } from 'node:events';

import type { EventStore } from 'daybook';
import { startServer } from 'daybook-server';

/** Where a server can be reached. */
export interface Serving {
  readonly port: number;
  /** What official clients take. */
  readonly connectionString: string;
}

export interface ServeOptions {
  /** `0`: any that is free. */
  readonly port: number;
  readonly signal: AbortSignal;
  /** Is told when the server takes calls. */
  readonly onServing: (serving: Serving) => Promise<void>;
}

/** Serves a store to this machine, without TLS and users, until the signal. Lets calls that are under way end. */
export async function serveStore(store: EventStore, { port, signal, onServing }: ServeOptions): Promise<void> {
  await using server = await startServer({ store, port, dev: true });
  await onServing({ port: server.port, connectionString: `esdb://127.0.0.1:${server.port}?tls=false` });
  if (!signal.aborted) await once(signal, 'abort');
}
