import { derivedStream } from './derived-stream.ts';
import {
  AppendTooLarge,
  EventTooLarge,
  InvalidEvent,
  InvalidOption,
  InvalidStreamName,
  ReadOnlyStream,
} from './errors.ts';
import type { NewEvent } from './event.ts';
import type { ExpectedRevision } from './expected-revision.ts';
import { eventTypeBytes, type Limits } from './limits.ts';
import { isMetadataStream, type StreamName } from './stream-name.ts';

/** What the characters of ASCII are: 1 is a hexadecimal digit, 2 a hyphen, 0 anything else. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)));
const uuidKinds = Uint8Array.from('00000000-0000-0000-0000-000000000000', kindOf);
const words: ReadonlySet<unknown> = new Set<ExpectedRevision>(['no-stream', 'stream-exists', 'any']);

function kindOf(character: string): number {
  return character === '-' ? 2 : Number(/[0-9a-f]/i.test(character));
}

/** Throws unless every event of one append, to one stream or several, can be stored within `limits`. */
export function checkEvents(events: readonly NewEvent[], limits: Limits): void {
  if (events.length > limits.appendEvents) throw new AppendTooLarge('events', events.length, limits.appendEvents);
  let bytes = 0;
  for (const event of events) bytes += checkEvent(event, limits);
  if (bytes > limits.appendBytes) throw new AppendTooLarge('bytes', bytes, limits.appendBytes);
}

/** Throws when nothing can be appended to `stream`: it is `$all` or a derived stream. */
export function checkWritable(stream: StreamName): void {
  if (stream === '$all' || derivedStream(stream) !== undefined) throw new ReadOnlyStream(stream);
}

/** Throws when a writer does not say what it expects: nothing is guessed, whatever the types of the caller allow. */
export function checkExpected(expected: ExpectedRevision): void {
  if (typeof expected === 'bigint' || words.has(expected)) return;
  throw new InvalidOption(
    'expected',
    `${JSON.stringify(expected)} is no revision, 'no-stream', 'stream-exists' or 'any'`,
  );
}

/** Throws when an append to a stream has no events. */
export function checkNotEmpty(events: readonly NewEvent[]): void {
  if (events.length === 0) throw new InvalidEvent('events', 'there are none');
}

/** Throws when `stream` cannot be deleted or tombstoned: nothing can be appended to it, or it holds metadata. */
export function checkDeletable(stream: StreamName): void {
  checkWritable(stream);
  if (isMetadataStream(stream)) {
    throw new InvalidStreamName(stream, 'it holds the metadata of another stream, and goes when that one goes');
  }
}

/** Whether a text is a UUID. A look at each character takes half of what a regular expression takes. */
function isUuid(text: string): boolean {
  if (text.length !== uuidKinds.length) return false;
  for (let at = 0; at < uuidKinds.length; at += 1) if (kinds[text.charCodeAt(at)] !== uuidKinds[at]) return false;
  return true;
}

/** The size of an event in bytes, if it can be stored. */
function checkEvent({ id, type, data, metadata, created }: NewEvent, limits: Limits): number {
  if (typeof id !== 'string' || !isUuid(id)) throw new InvalidEvent('id', `${JSON.stringify(id)} is not a UUID`);
  if (typeof type !== 'string' || type === '') throw new InvalidEvent('type', 'it is empty');
  if (type.length * 3 > eventTypeBytes && Buffer.byteLength(type) > eventTypeBytes) {
    throw new InvalidEvent('type', `it has ${Buffer.byteLength(type)} bytes, and a type has at most ${eventTypeBytes}`);
  }
  if (!type.isWellFormed()) throw new InvalidEvent('type', 'it is not well-formed Unicode');
  if (!(data instanceof Uint8Array)) throw new InvalidEvent('data', 'it is not a Uint8Array');
  if (metadata !== undefined && !(metadata instanceof Uint8Array)) {
    throw new InvalidEvent('metadata', 'it is not a Uint8Array');
  }
  if (created !== undefined && !Number.isFinite(created.getTime())) throw new InvalidEvent('created', 'it is no time');
  const metadataBytes = metadata?.length ?? 0;
  if (metadataBytes > limits.metadataBytes) {
    throw new EventTooLarge({ id, part: 'metadata', sizeBytes: metadataBytes, limitBytes: limits.metadataBytes });
  }
  const sizeBytes = data.length + metadataBytes;
  if (sizeBytes > limits.eventBytes) {
    throw new EventTooLarge({ id, part: 'event', sizeBytes, limitBytes: limits.eventBytes });
  }
  return sizeBytes;
}
