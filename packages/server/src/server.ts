import type { ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';

import { PortInUse } from './errors.ts';
import { createFront, type Front, type FrontLimits } from './front.ts';
import { CallServer, type CallServerOptions } from './grpc/call-server.ts';
import { openSession } from './grpc/session.ts';
import { createHttpServer, type HttpLimits, type Routes } from './http/http-server.ts';

/** A running server. Disposing stops it: what is under way gets a bounded time to end. */
export interface Server extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  stats(): ServerStats;
}

export interface ServerStats {
  /** Open connections. */
  readonly sockets: number;
  /** gRPC calls whose handlers are at work. */
  readonly calls: number;
}

/** What answers on the port, and within which limits. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  /** Is asked once the port is known. */
  readonly calls: (port: number) => CallServerOptions;
  readonly routes: Routes;
  readonly limits: ListenLimits;
}

export interface ListenLimits {
  readonly front: FrontLimits;
  readonly http: HttpLimits;
  /** How long a shutdown waits for what is under way. */
  readonly shutdownMs: number;
}

/** Answers gRPC and HTTP on one port. */
export async function listen({ host, port, calls, routes, limits }: ListenOptions): Promise<Server> {
  const sessions = new Set<ServerHttp2Session>();
  const http = createHttpServer(routes, limits.http);
  let callServer: CallServer | undefined;
  const front = createFront({
    limits: limits.front,
    onHttp1: (socket) => void http.emit('connection', socket),
    onHttp2: (socket) => {
      const session = openSession(socket);
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      callServer?.serve(session);
    },
  });
  const bound = await bind(front, host, port).catch((error: unknown) => {
    http.close();
    throw error;
  });
  const served = new CallServer(calls(bound));
  callServer = served;
  let stopped: Promise<void> | undefined;
  return {
    host,
    port: bound,
    stats: () => ({ sockets: front.sockets.size, calls: served.calls }),
    [Symbol.asyncDispose]() {
      stopped ??= stop({ front, http, calls: served, sessions, graceMs: limits.shutdownMs });
      return stopped;
    },
  };
}

interface Running {
  readonly front: Front;
  readonly http: ReturnType<typeof createHttpServer>;
  readonly calls: CallServer;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly graceMs: number;
}

/** Takes nothing new, lets what is under way end, and closes the connections: those that do not end in time by force. */
async function stop({ front, http, calls, sessions, graceMs }: Running): Promise<void> {
  const closed = front.close();
  http.close();
  const forced = Promise.withResolvers<void>();
  const force = setTimeout(() => {
    for (const socket of front.sockets) socket.destroy();
    forced.resolve();
  }, graceMs);
  // Each session says that it goes away, and closes when its last call has ended.
  for (const session of sessions) session.close();
  // A handler that does not end by then is left behind: whoever disposes must not wait for ever.
  await Promise.all([Promise.race([calls.shutDown(), forced.promise]), closed]);
  clearTimeout(force);
}

function bind({ server }: Front, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new PortInUse(host, port) : error);
    });
    server.listen({ host, port }, () => {
      server.removeAllListeners('error');
      server.on('error', () => {}); // A connection that could not be taken: its client tries again.
      resolve((server.address() as AddressInfo).port); // It listens on a port, not on a pipe.
    });
  });
}
