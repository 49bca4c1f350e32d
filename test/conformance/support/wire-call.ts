import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';

import { Reader } from '../../../packages/server/src/protocol/reader.ts';

/** What a server answered to a call. */
export interface WireAnswer {
  readonly status: string;
  readonly messages: readonly Buffer[];
  readonly trailers: IncomingHttpHeaders;
}

/** Calls a method with messages that no client would send. */
export async function wireCall(port: number, path: string, requests: readonly Buffer[]): Promise<WireAnswer> {
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request(headers);
    let trailers: IncomingHttpHeaders = {};
    for (const event of ['response', 'trailers']) stream.on(event, (more) => (trailers = { ...trailers, ...more }));
    for (const request of requests) stream.write(request);
    stream.end();
    const chunks: readonly Buffer[] = await Array.fromAsync(stream);
    if (!stream.closed) await once(stream, 'close');
    return { status: String(trailers['grpc-status']), messages: framesIn(Buffer.concat(chunks)), trailers };
  } finally {
    session.destroy();
  }
}

/** The type of an error's last detail, and its fields. */
export interface Detail {
  readonly reason: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** What `grpc-status-details-bin` says: the reason, and the detail that stands last. */
export function detailIn({ trailers }: WireAnswer): Detail {
  const details = fieldsIn(Buffer.from(String(trailers['grpc-status-details-bin']), 'base64')).filter(
    ({ field }) => field === 3,
  );
  const [first, last] = [details[0], details.at(-1)].map((each) => fieldsIn(each?.bytes ?? Buffer.alloc(0)));
  return {
    reason: fieldsIn(first?.[1]?.bytes ?? Buffer.alloc(0))[0]?.bytes.toString() ?? '',
    type: last?.[0]?.bytes.toString().split('.').at(-1) ?? '',
    bytes: last?.[1]?.bytes ?? Buffer.alloc(0),
  };
}

/** The fields of a message that hold bytes, and the signed numbers. */
export function fieldsIn(
  message: Buffer,
): readonly { readonly field: number; readonly bytes: Buffer; readonly number: bigint }[] {
  const fields = [];
  for (const reader = new Reader(message); reader.next();) {
    const { field } = reader;
    try {
      fields.push({ field, bytes: reader.bytes(), number: 0n });
    } catch {
      fields.push({ field, bytes: Buffer.alloc(0), number: reader.sint64() });
    }
  }
  return fields;
}

function framesIn(bytes: Buffer): readonly Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1)) {
    messages.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)));
  }
  return messages;
}
