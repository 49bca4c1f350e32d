import { createServer, type Server, type Socket } from 'node:net';

/** Whose connections the front hands out. */
export interface FrontOptions {
  /** Takes a socket whose client begins with the preface of HTTP/2. */
  readonly onHttp2: (socket: Socket) => void;
  /** Takes every other socket. */
  readonly onHttp1: (socket: Socket) => void;
  readonly limits: FrontLimits;
}

export interface FrontLimits {
  /** Connections at a time. One more is closed at once. */
  readonly connections: number;
  /** How long a client may take to say which protocol it speaks. */
  readonly prefaceMs: number;
}

export const defaultFrontLimits: FrontLimits = { connections: 10_000, prefaceMs: 10_000 };

/** What a client of HTTP/2 says first (RFC 9113, 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** How long a connection may be silent before the system asks whether the other end is still there. */
const keepAliveMs = 60_000;

/** One port for two protocols: a listener that looks at the first bytes of each connection. */
export function createFront({ onHttp2, onHttp1, limits }: FrontOptions): Front {
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  let onEmpty: (() => void) | undefined;
  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: keepAliveMs }, (socket) => {
    sockets.add(socket);
    undecided.add(socket);
    socket.on('error', () => {}); // A connection that is lost just closes.
    socket.once('close', () => {
      sockets.delete(socket);
      undecided.delete(socket);
      if (sockets.size === 0) onEmpty?.();
    });
    sniff(socket, limits.prefaceMs, (isHttp2) => {
      undecided.delete(socket);
      if (isHttp2) onHttp2(socket);
      else onHttp1(socket);
    });
  });
  server.maxConnections = limits.connections;
  return {
    server,
    sockets,
    async close() {
      const empty = new Promise<void>((resolve) => {
        onEmpty = resolve;
        if (sockets.size === 0) resolve();
      });
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of undecided) socket.destroy();
      await Promise.all([empty, closed]);
    },
  };
}

export interface Front {
  readonly server: Server;
  /** The sockets that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Takes no more connections, closes those whose protocol is not known yet, and waits until all are closed. */
  close(): Promise<void>;
}

/** Tells which protocol a socket speaks, and gives back what was read. Closes it when its client is too slow. */
function sniff(socket: Socket, prefaceMs: number, decide: (isHttp2: boolean) => void): void {
  let seen: Buffer = Buffer.alloc(0);
  const deadline = setTimeout(() => socket.destroy(), prefaceMs);
  const look = (): void => {
    for (let bytes = read(socket); bytes !== undefined; bytes = read(socket)) {
      seen = seen.length === 0 ? bytes : Buffer.concat([seen, bytes]);
    }
    const compared = Math.min(seen.length, preface.length);
    const isHttp2 = seen.compare(preface, 0, compared, 0, compared) === 0;
    if (isHttp2 && seen.length < preface.length) return;
    stop();
    socket.unshift(seen);
    decide(isHttp2);
  };
  const stop = (): void => {
    clearTimeout(deadline);
    socket.off('readable', look);
    socket.off('close', stop);
    socket.off('end', stop);
  };
  socket.on('readable', look);
  socket.once('close', stop);
  socket.once('end', stop);
}

function read(socket: Socket): Buffer | undefined {
  return (socket.read() as Buffer | null) ?? undefined; // A socket without an encoding reads bytes.
}
