import { connect, type Socket } from 'node:net';

/** What came back on one HTTP/2 stream. */
export interface Answer {
  /** Bytes of the body. */
  readonly bytes: number;
  /** The first bytes of the body, up to 64. */
  readonly start: Buffer;
}

const frameHeader = 9;
const [data, headers, , resetStream, settings, , ping, goAway, windowUpdate] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const endStream = 1;
const endHeaders = 4;
const ack = 1;
const largestWindow = 2 ** 31 - 1;
const defaultWindow = 65_535;

interface Pending {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  readonly onBytes: ((bytes: Buffer) => void) | undefined;
  bytes: number;
  start: Buffer;
}

/**
 * An HTTP/2 client that only does what a bench needs: it sends requests that are ready-made bytes, and counts what comes
 * back. It costs far less than the server that it measures.
 */
export class H2Client implements Disposable {
  readonly #socket: Socket;
  readonly #pending: Map<number, Pending> = new Map();
  #nextStream = 1;
  #rest: Buffer = Buffer.alloc(0);
  #sendWindow = defaultWindow;
  #received = 0;
  #queue: Buffer[] = [];
  #outgoing: Buffer[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('close', () => this.#fail(new Error('The connection is closed.')));
    socket.on('error', (error) => this.#fail(error));
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    // No table of headers to keep, and streams that may be as long as they like.
    socket.write(frame(settings, 0, 0, Buffer.from([0, 1, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff])));
    socket.write(windowFrame(largestWindow - defaultWindow));
  }

  static connect(port: number): Promise<H2Client> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new H2Client(socket)));
      socket.once('error', reject);
    });
  }

  /** Sends a gRPC call with all its messages, and gives what is answered. */
  call(path: string, messages: Buffer, onBytes?: (bytes: Buffer) => void): Promise<Answer> {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending.set(stream, { resolve, reject, onBytes, bytes: 0, start: Buffer.alloc(0) });
    this.#send(frame(headers, endHeaders, stream, requestHeaders(path)));
    const body = frame(data, endStream, stream, messages);
    if (this.#queue.length === 0 && this.#sendWindow >= messages.length) {
      this.#sendWindow -= messages.length;
      this.#send(body);
    } else {
      this.#queue.push(body);
    }
    return promise;
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** Everything of one turn of the loop goes out together. */
  #send(bytes: Buffer): void {
    if (this.#outgoing.push(bytes) > 1) return;
    setImmediate(() => {
      this.#socket.write(Buffer.concat(this.#outgoing));
      this.#outgoing = [];
    });
  }

  #receive(bytes: Buffer): void {
    let input = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (input.length >= frameHeader) {
      const length = input.readUIntBE(0, 3);
      if (input.length < frameHeader + length) break;
      const [type = 0, flags = 0] = [input[3], input[4]];
      this.#frame({ type, flags, stream: input.readUInt32BE(5) }, input.subarray(frameHeader, frameHeader + length));
      input = input.subarray(frameHeader + length);
    }
    this.#rest = input;
  }

  #frame({ type, flags, stream }: { type: number; flags: number; stream: number }, payload: Buffer): void {
    if (type === data) this.#body(stream, payload);
    if (type === settings && flags !== ack) this.#send(frame(settings, ack, 0, Buffer.alloc(0)));
    if (type === ping && flags !== ack) this.#send(frame(ping, ack, 0, payload));
    if (type === windowUpdate && stream === 0) this.#widen(payload.readUInt32BE(0));
    if (type === goAway) this.#fail(new Error(`The server goes away: ${payload.subarray(8).toString()}`));
    if (type === resetStream) {
      this.#pending.get(stream)?.reject(new Error(`The server reset the stream: ${payload.readUInt32BE(0)}`));
      this.#pending.delete(stream);
    }
    if ((type === data || type === headers) && (flags & endStream) !== 0) {
      const pending = this.#pending.get(stream);
      this.#pending.delete(stream);
      pending?.resolve({ bytes: pending.bytes, start: pending.start });
    }
  }

  #body(stream: number, payload: Buffer): void {
    const pending = this.#pending.get(stream);
    if (pending !== undefined) {
      pending.bytes += payload.length;
      pending.onBytes?.(payload);
      if (pending.start.length === 0) pending.start = Buffer.from(payload.subarray(0, 64));
    }
    this.#received += payload.length;
    if (this.#received < 2 ** 24) return;
    this.#send(windowFrame(this.#received));
    this.#received = 0;
  }

  #widen(bytes: number): void {
    this.#sendWindow += bytes;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#sendWindow < next.length - frameHeader) return;
      this.#sendWindow -= next.length - frameHeader;
      this.#send(next);
      this.#queue.shift();
    }
  }

  #fail(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

function frame(type: number | undefined, flags: number, stream: number, payload: Buffer): Buffer {
  const bytes = Buffer.alloc(frameHeader + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type ?? 0, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, frameHeader);
  return bytes;
}

function windowFrame(bytes: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(bytes);
  return frame(windowUpdate, 0, 0, payload);
}

const known = new Map<string, Buffer>();

/** The headers of a gRPC call, each written out, so that nothing has to be remembered. */
function requestHeaders(path: string): Buffer {
  const before = known.get(path);
  if (before !== undefined) return before;
  const block = Buffer.concat([
    Buffer.from([0x83, 0x86, 0x04]), // :method POST, :scheme http, :path
    text(path),
    literal(':authority', '127.0.0.1'),
    literal('content-type', 'application/grpc+proto'),
    literal('te', 'trailers'),
  ]);
  known.set(path, block);
  return block;
}

function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

function text(value: string): Buffer {
  return Buffer.from([value.length, ...Buffer.from(value)]);
}
