/** How many texts are remembered, a power of two. */
const places = 256;
/** Longer texts are decoded each time. */
const bytesAtMost = 64;

interface Known {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** Remembers texts of which there are few, so that the same bytes need not be decoded again. */
export class KnownTexts {
  readonly #known: (Known | undefined)[] = Array.from({ length: places });

  /** The UTF-8 text in a part of `bytes`. */
  text(bytes: Buffer, start: number, end: number): string {
    if (end - start > bytesAtMost) return bytes.toString('utf8', start, end);
    let hash = end - start;
    for (let at = start; at < end; at += 1) hash = Math.imul(hash, 31) + bytes[at]!; // Within the part.
    const place = (hash ^ (hash >>> 15)) & (places - 1);
    const known = this.#known[place];
    if (known !== undefined && stands(known, bytes, { start, end })) return known.text;
    const text = bytes.toString('utf8', start, end);
    // A copy, so that none of these keeps a whole event in memory.
    this.#known[place] = { bytes: Uint8Array.from(bytes.subarray(start, end)), text };
    return text;
  }
}

/** Remembers the text that came last: those of one stream come one after the other. */
export class LastText {
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #text = '';

  /** The UTF-8 text in a part of `bytes`. */
  text(bytes: Buffer, start: number, end: number): string {
    if (!this.#isLast(bytes, start, end)) {
      this.#bytes = bytes;
      this.#start = start;
      this.#end = end;
      this.#text = bytes.toString('utf8', start, end);
    }
    return this.#text;
  }

  #isLast(bytes: Buffer, start: number, end: number): boolean {
    if (end - start !== this.#end - this.#start) return false;
    for (let at = end - 1, before = this.#end - 1; at >= start; at -= 1, before -= 1) {
      if (bytes[at] !== this.#bytes[before]) return false; // Names differ at their end, so that is where it begins.
    }
    return true;
  }
}

/** Whether a text stands in a part of `bytes`. */
function stands({ bytes: known }: Known, bytes: Uint8Array, { start, end }: { start: number; end: number }): boolean {
  if (known.length !== end - start) return false;
  for (let at = known.length - 1; at >= 0; at -= 1) if (known[at] !== bytes[start + at]) return false;
  return true;
}
