import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';

/** How long a server may take to answer, or to cut a connection off: its own limits are 10 and 15 seconds. */
const patienceMs = 25_000;

/** Kinds of frames. */
export const headersFrame = 1;
export const resetFrame = 3;
const settingsFrame = 4;
export const goAwayFrame = 7;
export const continuationFrame = 9;
/** A flag: the headers are complete. */
export const endHeaders = 4;

/** A connection on which anything may be said. */
export class HostileConnection implements Disposable {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  received: Buffer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => {}); // It is cut off: that is what is waited for.
    socket.on('data', (bytes) => (this.received = Buffer.concat([this.received, bytes])));
    this.#closed = new Promise((resolve) => {
      socket.on('close', () => resolve());
    });
  }

  static open(port: number): Promise<HostileConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new HostileConnection(socket)));
    });
  }

  /** One that speaks HTTP/2 until now. */
  static async openHttp2(port: number): Promise<HostileConnection> {
    const connection = await HostileConnection.open(port);
    connection.say('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', frame(settingsFrame, { stream: 0 }));
    return connection;
  }

  say(...parts: readonly (string | Uint8Array)[]): void {
    this.#socket.cork();
    for (const part of parts) if (this.#socket.writable) this.#socket.write(part);
    this.#socket.uncork();
  }

  /** Whether the server cuts it off in time. */
  isCutOff(): Promise<boolean> {
    return inTime(this.#closed);
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }
}

/** A frame of HTTP/2. */
export function frame(
  type: number,
  { stream, flags = 0, payload = Buffer.alloc(0) }: { stream: number; flags?: number; payload?: Buffer },
): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  return Buffer.concat([bytes, payload]);
}

/** The headers of a gRPC call as HPACK has them, without its table. */
export function callHeaders(path: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]), // POST, http, and a path.
    text(path),
    Buffer.from([0x0f, 0x10]), // A content type.
    text('application/grpc'),
  ]);
}

function text(value: string): Buffer {
  return Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);
}

/** The status with which a call ends whose body is these bytes, or what came instead. */
export async function statusOf(port: number, path: string, body: Uint8Array): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on('error', () => {}); // The stream fails, too.
  const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc' });
  const answer = Promise.withResolvers<string>();
  let status = '';
  stream.on('response', (headers) => (status = String(headers['grpc-status'] ?? '')));
  stream.on('trailers', (trailers) => (status = String(trailers['grpc-status'] ?? '')));
  stream.on('error', (error) => answer.resolve(status || error.message));
  stream.on('close', () => answer.resolve(status));
  stream.resume();
  stream.end(body);
  const found = (await inTime(answer.promise)) ? await answer.promise : 'no answer';
  session.destroy();
  return found;
}

async function inTime(promise: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), patienceMs);
  const isInTime = await Promise.race([promise.then(() => true), late.promise]);
  clearTimeout(timer);
  return isInTime;
}
