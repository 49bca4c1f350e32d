import type { RecordedEvent } from 'daybook';

import { fieldBytesAtMost, RecordedEventField } from './recorded-event-field.ts';
import type { UuidForm } from './shared.ts';
import { varintSize, writeVarint } from './writer.ts';

/** What a read gives: an event, the link that led to it, or a link whose event is gone. */
export type ReadEvent =
  | { readonly event: RecordedEvent; readonly link?: RecordedEvent }
  | { readonly event?: undefined; readonly link: RecordedEvent };

/** A gRPC frame begins with five bytes. */
const prefixBytes = 5;

/** What a frame, a `ReadResp` and a `ReadEvent` have besides events: less than this. */
const responseBytes = 64;

/**
 * Writes events as framed `ReadResp` messages, many into one piece of memory. Any number of calls can share one: all
 * that it remembers is types as bytes.
 */
export class EventFrames {
  readonly #event: RecordedEventField;
  readonly #link: RecordedEventField;

  constructor(form: UuidForm) {
    this.#event = new RecordedEventField(form);
    this.#link = new RecordedEventField(form);
  }

  /** The frames of these events, one behind the other. */
  frames(events: readonly ReadEvent[]): Buffer {
    let bytesAtMost = 0;
    for (const { event, link } of events) {
      bytesAtMost += responseBytes;
      if (event !== undefined) bytesAtMost += fieldBytesAtMost(event);
      if (link !== undefined) bytesAtMost += fieldBytesAtMost(link);
    }
    // Memory that nobody writes to costs next to nothing. To know the exact size costs as much as to write.
    const bytes = Buffer.allocUnsafe(bytesAtMost);
    let at = 0;
    for (const each of events) at = this.#write(bytes, at, each);
    return bytes.subarray(0, at);
  }

  #write(bytes: Buffer, start: number, { event, link }: ReadEvent): number {
    let sizeBytes = 0;
    if (event !== undefined) sizeBytes += this.#event.measure(event);
    if (link !== undefined) sizeBytes += this.#link.measure(link);
    // Who reads on goes on behind the link.
    const { position } = link === undefined ? this.#event : this.#link;
    sizeBytes += 1 + varintSize(position);
    let at = writePrefix(bytes, start, 1 + varintSize(sizeBytes) + sizeBytes);
    bytes[at] = 0x0a;
    at = writeVarint(bytes, at + 1, sizeBytes);
    if (event !== undefined) at = this.#event.write(bytes, at, 0x0a, event);
    if (link !== undefined) at = this.#link.write(bytes, at, 0x12, link);
    bytes[at] = 0x18;
    return writeVarint(bytes, at + 1, position);
  }
}

/** Not compressed, and how long the message is. */
function writePrefix(bytes: Buffer, at: number, length: number): number {
  bytes[at] = 0;
  bytes[at + 1] = length >>> 24;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 8;
  bytes[at + 4] = length;
  return at + prefixBytes;
}
