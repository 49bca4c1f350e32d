/** Texts up to this length are written here: for them a call out of JavaScript costs more than the loop. */
const shortLength = 64;

/** How many bytes a text has in UTF-8. */
export function textBytes(text: string): number {
  if (text.length > shortLength) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index += 1) {
    if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text);
  }
  return text.length;
}

/** Writes a text of so many bytes in UTF-8, and says where it ends. */
export function writeText(bytes: Buffer, at: number, text: string, sizeBytes: number): number {
  if (sizeBytes !== text.length || sizeBytes > shortLength) {
    bytes.write(text, at, sizeBytes, 'utf8');
    return at + sizeBytes;
  }
  for (let index = 0; index < sizeBytes; index += 1) bytes[at + index] = text.charCodeAt(index);
  return at + sizeBytes;
}
