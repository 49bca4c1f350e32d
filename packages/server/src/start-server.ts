import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';

import type { EventStore } from 'daybook';

import { gossip, gossipPath } from './discovery/gossip.ts';
import { protocolVersion, serverFeatures, serverFeaturesPath } from './discovery/server-features.ts';
import { AccessControlMissing } from './errors.ts';
import { defaultFrontLimits } from './front.ts';
import type { Methods } from './grpc/call.ts';
import { defaultCallLimits } from './grpc/limits.ts';
import { defaultHttpLimits } from './http/http-server.ts';
import { httpRoutes } from './http/routes.ts';
import { listen, type Server } from './server.ts';
import { streamsMethods, toGrpcError } from './streams/index.ts';
import { version } from './version.ts';

export interface StartServerOptions {
  /** What is served. Stays the caller's: it is not disposed of with the server. */
  readonly store: EventStore;
  /** Default: `127.0.0.1`. */
  readonly host?: string;
  /** `0`: any that is free. Default: 2113. */
  readonly port?: number;
  /** Without TLS and users, for this machine only. There is nothing else yet. Default: false. */
  readonly dev?: boolean;
  /** What clients that ask for the nodes are told to connect to. Default: `host`. */
  readonly advertisedHost?: string;
}

/** How long a shutdown waits for appends and answers that are under way. */
const shutdownMs = 5_000;

/** How long a store may take to say that it is there. */
const readyMs = 2_000;

/**
 * Serves a store to official clients on one port. Resolves when it takes calls.
 *
 * @throws AccessControlMissing when it is not for this machine only.
 * @throws PortInUse when another program listens there.
 */
export async function startServer(options: StartServerOptions): Promise<Server> {
  const { store, host = '127.0.0.1', port = 2113, dev = false, advertisedHost = host } = options;
  if (!dev) throw new AccessControlMissing('A server was to run outside development mode');
  if (!isLoopback(host)) throw new AccessControlMissing(`A server was to be reachable by others, at ${host}`);
  const streams = streamsMethods(store);
  const paths = [...Object.keys(streams), serverFeaturesPath, gossipPath];
  const methods = (bound: number): Methods => ({
    ...streams,
    [serverFeaturesPath]: serverFeatures(paths),
    [gossipPath]: gossip({ id: randomUUID(), host: advertisedHost, port: bound }),
  });
  const isReady = (): Promise<boolean> => answersInTime(store);
  return listen({
    host,
    port,
    calls: (bound) => ({ methods: methods(bound), limits: defaultCallLimits, toGrpcError }),
    routes: httpRoutes({ protocolVersion: protocolVersion(paths), version: version(), isReady }),
    limits: { front: defaultFrontLimits, http: defaultHttpLimits, shutdownMs },
  });
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

async function answersInTime(store: EventStore): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), readyMs);
  const answer = store.head().then(
    () => true,
    () => false,
  );
  const isReady = await Promise.race([answer, late.promise]);
  clearTimeout(timer);
  return isReady;
}
