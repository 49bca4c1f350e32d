import type { NewEvent } from '../store/event.ts';
import type { KurrentEvent } from './client.ts';

/** An event as the clients take it, so that they send the bytes of data and metadata as they are. */
export function convertNewEvent(event: NewEvent): KurrentEvent {
  return event.contentType === 'application/json' ? new JsonBytes(event) : binaryEvent(event);
}

function binaryEvent({ id, type, data, metadata }: NewEvent): KurrentEvent {
  return {
    id,
    type,
    contentType: 'application/octet-stream',
    data: plain(data),
    metadata: metadata && plain(metadata),
  };
}

/**
 * An event of JSON whose bytes the client must not make anew.
 *
 * Both clients read the content type twice: to send it, and to decide whether `data` has to be serialised. The second
 * answer says that it is bytes. Should a client ask in another order, `toJSON` refuses before anything is sent: a value
 * that is not what was given is never written.
 */
class JsonBytes implements KurrentEvent {
  readonly id: string;
  readonly type: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array | undefined;
  #isSent = false;

  constructor({ id, type, data, metadata }: NewEvent) {
    this.id = id;
    this.type = type;
    this.data = Object.assign(plain(data), { toJSON: refuse });
    this.metadata = metadata && plain(metadata);
  }

  get contentType(): KurrentEvent['contentType'] {
    if (this.#isSent) return 'application/octet-stream';
    this.#isSent = true;
    return 'application/json';
  }
}

function refuse(): never {
  throw new TypeError('This version of the client would serialise JSON anew. Nothing was written.');
}

/** The same bytes as a plain `Uint8Array`: the clients take a `Buffer` for a value to be serialised. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
