import { prefixBytes } from './frame.ts';
import { GrpcError, status } from './status.ts';

/** The room that unfinished messages may take, shared by the calls of a server. */
export interface MessageRoom {
  freeBytes: number;
}

const firstRoomBytes = 64 * 1024;

/**
 * Takes the body of a call apart into messages, in whatever pieces it comes. It never reserves more than a small
 * multiple of what has come, however long a message claims to be.
 */
export class FrameParser {
  readonly #messageBytes: number;
  readonly #room: MessageRoom;
  #prefixRead = 0;
  #length = 0;
  #partial: Buffer | undefined;
  #partialBytes = 0;

  constructor(messageBytes: number, room: MessageRoom) {
    this.#messageBytes = messageBytes;
    this.#room = room;
  }

  /** Whether a message has begun and not ended. */
  get isInMessage(): boolean {
    return this.#prefixRead > 0;
  }

  /**
   * The messages that end in these bytes. One that lies in them as a whole shares their memory.
   *
   * @throws GrpcError when a message is compressed, too long, or finds no room.
   */
  push(bytes: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      while (this.#prefixRead < prefixBytes && at < bytes.length) this.#prefix(bytes[at++] ?? 0);
      if (this.#prefixRead < prefixBytes) break;
      const missing = this.#length - this.#partialBytes;
      if (bytes.length - at < missing) {
        this.#keep(bytes.subarray(at));
        break;
      }
      const rest = bytes.subarray(at, at + missing);
      at += missing;
      messages.push(this.#finish(rest));
    }
    return messages;
  }

  /** Gives back the room of an unfinished message. */
  clear(): void {
    this.#room.freeBytes += this.#partial?.length ?? 0;
    this.#partial = undefined;
    this.#partialBytes = 0;
    this.#prefixRead = 0;
    this.#length = 0;
  }

  #prefix(byte: number): void {
    if (this.#prefixRead++ === 0) {
      if (byte === 1) throw new GrpcError(status.unimplemented, 'Compressed messages are not supported.');
      if (byte !== 0) throw new GrpcError(status.internal, `A message begins with ${byte}, which says nothing.`);
      return;
    }
    this.#length = this.#length * 256 + byte;
    if (this.#prefixRead < prefixBytes || this.#length <= this.#messageBytes) return;
    throw new GrpcError(
      status.resourceExhausted,
      `A message of ${this.#length} bytes is too large: at most ${this.#messageBytes} are taken.`,
    );
  }

  #keep(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const needed = this.#partialBytes + bytes.length;
    if (this.#partial === undefined || this.#partial.length < needed) this.#grow(needed);
    this.#partial?.set(bytes, this.#partialBytes);
    this.#partialBytes = needed;
  }

  /** Makes room for so many bytes: twice as much each time, so that a byte is copied about twice at most. */
  #grow(neededBytes: number): void {
    const before = this.#partial?.length ?? 0;
    const after = Math.min(this.#length, Math.max(neededBytes, before * 2, firstRoomBytes));
    if (after - before > this.#room.freeBytes) {
      throw new GrpcError(status.resourceExhausted, 'The server holds too many unfinished messages. Try again later.');
    }
    this.#room.freeBytes -= after - before;
    const grown = Buffer.allocUnsafeSlow(after);
    if (this.#partial !== undefined) grown.set(this.#partial.subarray(0, this.#partialBytes));
    this.#partial = grown;
  }

  #finish(rest: Buffer): Buffer {
    let message = rest;
    if (this.#partial !== undefined) {
      this.#keep(rest);
      message = this.#partial.subarray(0, this.#length);
    }
    this.clear();
    return message;
  }
}
