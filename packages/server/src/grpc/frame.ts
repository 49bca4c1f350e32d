/** Before each message stand one byte that says whether it is compressed, and its length in four bytes. */
export const prefixBytes = 5;

/** A message as it goes over the wire: not compressed, its length, itself. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}
