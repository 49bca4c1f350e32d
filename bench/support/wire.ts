import { body } from './sample-events.ts';

/** The few messages of the public KurrentDB interface that a bench sends, written as bytes. Fields are by number. */

export const appendPath = '/event_store.client.streams.Streams/Append';
export const batchAppendPath = '/event_store.client.streams.Streams/BatchAppend';
export const readPath = '/event_store.client.streams.Streams/Read';
export const featuresPath = '/event_store.client.server_features.ServerFeatures/GetSupportedMethods';

const empty = Buffer.alloc(0);

/** A field that holds bytes: a string, bytes or a message. */
function field(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint((number << 3) | 2), varint(value.length), value]);
}

/** A field that holds a number. */
function numberField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number << 3), varint(value)]);
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

/** A message as gRPC sends it: not compressed, its length, itself. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, 5);
  return frame;
}

/** The messages of one append of one event to a stream, under `any`. */
export function appendRequest(stream: string, data: Uint8Array = body(), metadata: Uint8Array = empty): Buffer {
  const options = field(1, field(1, field(3, stream)), field(4, empty));
  const entry = (key: string, value: string): Buffer => field(2, field(1, key), field(2, value));
  const message = field(
    2,
    field(1, field(2, crypto.randomUUID())),
    entry('type', 'OrderStep'),
    entry('content-type', 'application/json'),
    ...(metadata.length === 0 ? [] : [field(3, metadata)]),
    field(4, data),
  );
  return Buffer.concat([framed(options), framed(message)]);
}

/** Ready-made requests, each with a place where an event id goes: making them anew would cost as much as a server. */
export class AppendRequests {
  readonly #templates: readonly { readonly bytes: Buffer; readonly idAt: number }[];
  #next = 0;

  constructor(streams: readonly string[]) {
    this.#templates = streams.map((stream) => {
      const bytes = appendRequest(stream);
      // The id is the first field of the event, which is the second message; it begins behind `1 38 2 36`.
      return { bytes, idAt: bytes.indexOf(Buffer.from([0x0a, 38, 0x12, 36])) + 4 };
    });
  }

  /** The next request, with an id that was never used. */
  next(): Buffer {
    const template = this.#templates[this.#next++ % this.#templates.length];
    if (template === undefined) throw new Error('There are no streams to append to.');
    const request = Buffer.from(template.bytes);
    request.write(crypto.randomUUID(), template.idAt, 'latin1');
    return request;
  }
}

/** The answer to such an append. */
export const appendResponse: Buffer = framed(
  field(1, numberField(1, 1), field(3, numberField(1, 123_456), numberField(2, 123_456))),
);

/** A read of `$all` from the start, of so many events. */
export function readAllRequest(count: number): Buffer {
  const start = field(2, field(2, empty));
  const options = [numberField(3, 0), numberField(4, 0), start, numberField(5, count), field(8, empty)];
  return framed(field(1, ...options, field(9, field(2, empty))));
}

/** A subscription to `$all`, to what is new. */
export function subscribeRequest(): Buffer {
  const options = [numberField(3, 0), numberField(4, 0), field(2, field(3, empty)), field(6, empty), field(8, empty)];
  return framed(field(1, ...options, field(9, field(2, empty))));
}

/** The answer to the question which methods there are: only that appends may be batched. */
export const featuresResponse: Buffer = framed(
  Buffer.concat([
    field(1, field(1, 'batchappend'), field(2, 'event_store.client.streams.streams')),
    field(2, '26.1.0'),
  ]),
);

/** The answer to a batch append: its correlation id, which comes first in the request, and a success. */
export function batchAppendResponse(request: Uint8Array): Buffer {
  const length = request[1] ?? 0;
  const correlationId = request.subarray(0, 2 + length);
  const success = field(3, numberField(1, 1), field(3, numberField(1, 123_456), numberField(2, 123_456)));
  return framed(Buffer.concat([correlationId, success]));
}
