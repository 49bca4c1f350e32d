import type { GrpcError } from './status.ts';

/** Trailers as HTTP/2 takes them. */
export type Trailers = Readonly<Record<string, string>>;

export const okTrailers: Trailers = { 'grpc-status': '0' };

/** What is kept of a message: trailers that are too long would be refused by the client as a whole. */
const messageCharacters = 2_000;

/** The trailers that tell a client of an error. */
export function errorTrailers(error: GrpcError): Trailers {
  const trailers: Record<string, string> = {
    'grpc-status': String(error.status),
    'grpc-message': percentEncoded(error.message.slice(0, messageCharacters)),
  };
  for (const [name, value] of Object.entries(error.trailers)) {
    if (typeof value !== 'string') trailers[name] = base64(value);
    else trailers[name] = isPlain(value) ? value : percentEncoded(value);
  }
  return trailers;
}

/** A text as `grpc-message` carries it: printable ASCII but `%`, and the rest as `%` and two digits for each byte. */
export function percentEncoded(text: string): string {
  if (isPlain(text) && !text.includes('%')) return text;
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isKept = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isKept ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

function isPlain(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

/** Without padding, as the specification of gRPC asks of a sender. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64').replace(/=+$/, '');
}
