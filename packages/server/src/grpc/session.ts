import { performServerHandshake, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

/** Sessions under which calls are fast, and a client cannot take the server's memory. */
const options = {
  // Memory that a session may take, in megabytes: then calls are refused. Node's default of 10 is one large read.
  maxSessionMemory: 64,
  settings: { initialWindowSize: 1024 * 1024, maxConcurrentStreams: 1_000 },
};

/** What a client may send on one connection before it has to wait. */
const sessionWindowBytes = 16 * 1024 * 1024;

/** Speaks HTTP/2 on a socket whose client has said that it does. */
export function openSession(socket: Socket): ServerHttp2Session {
  const session = performServerHandshake(socket, options);
  session.on('error', () => {}); // The socket closes, and with it the calls.
  session.once('connect', () => {
    if (!session.destroyed) session.setLocalWindowSize(sessionWindowBytes);
  });
  return session;
}
