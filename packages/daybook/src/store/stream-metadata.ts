import type { EventStore } from './event-store.ts';
import type { NewEvent } from './event.ts';
import type { Appended, AppendOptions } from './options.ts';
import type { Revision } from './position.ts';
import { metadataStreamOf, type StreamName } from './stream-name.ts';

/** What a stream's metadata say. The keys of the stored JSON are KurrentDB's: `$maxCount`, `$maxAge`, `$tb`, … */
export interface StreamMetadata {
  /** Keep only this many events. `$maxCount`. */
  readonly maxCount?: number;
  /** Keep events only this long, in milliseconds; stored in whole seconds. `$maxAge`. */
  readonly maxAgeMs?: number;
  /** Hide the events before this revision. `$tb`. */
  readonly truncateBefore?: Revision;
  /** How long a reader may cache, in milliseconds; stored in whole seconds. `$cacheControl`. */
  readonly cacheControlMs?: number;
  /** Who may do what, as KurrentDB writes it. `$acl`. */
  readonly acl?: unknown;
  /** All other keys. */
  readonly custom: Readonly<Record<string, unknown>>;
}

/** The type of the events that hold metadata. */
export const metadataType = '$metadata';

/** The type of the event that closes a stream for good. */
export const tombstoneType = '$streamDeleted';

/** The `$tb` that KurrentDB writes to delete a stream. */
export const deletedTruncateBefore = 9_223_372_036_854_775_807n;

/** The exact body that deletes a stream. */
export const deletedBody = '{"$tb":9223372036854775807}';

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Reads metadata from bytes. Malformed JSON counts as no metadata and a limit that is not positive as absent. */
export function parseStreamMetadata(bytes: Uint8Array): StreamMetadata {
  const { $maxCount, $maxAge, $tb, $cacheControl, $acl, ...custom } = parsedObject(bytes);
  const maxCount = positive($maxCount);
  const maxAge = positive($maxAge);
  const cacheControl = positive($cacheControl);
  return {
    ...(maxCount !== undefined && { maxCount: Number(maxCount) }),
    ...(maxAge !== undefined && { maxAgeMs: Number(maxAge) * 1_000 }),
    ...(positive($tb) !== undefined && { truncateBefore: positive($tb) as Revision }), // Positive, hence a revision.
    ...(cacheControl !== undefined && { cacheControlMs: Number(cacheControl) * 1_000 }),
    ...($acl !== undefined && { acl: $acl }),
    custom,
  };
}

/** Metadata as the bytes to store. */
export function formatStreamMetadata(metadata: StreamMetadata): Uint8Array {
  const { maxCount, maxAgeMs, truncateBefore, cacheControlMs, acl, custom } = metadata;
  const raw = JSON as unknown as { rawJSON(text: string): unknown }; // In Node since 21, not in TypeScript's library yet.
  return encoder.encode(
    JSON.stringify({
      ...custom,
      $maxCount: maxCount,
      $maxAge: maxAgeMs === undefined ? undefined : Math.max(1, Math.ceil(maxAgeMs / 1_000)),
      $tb: truncateBefore === undefined ? undefined : raw.rawJSON(String(truncateBefore)),
      $cacheControl: cacheControlMs === undefined ? undefined : Math.max(1, Math.ceil(cacheControlMs / 1_000)),
      $acl: acl,
    }),
  );
}

/** Whether metadata say that their stream is deleted. */
export function isDeleted(metadata: StreamMetadata): boolean {
  return metadata.truncateBefore === deletedTruncateBefore;
}

/** The event that sets a stream's metadata, for an append to its metadata stream. */
export function metadataEvent(metadata: StreamMetadata, id: string = crypto.randomUUID()): NewEvent {
  return { id, type: metadataType, data: formatStreamMetadata(metadata), contentType: 'application/json' };
}

/**
 * Sets the metadata of a stream, all of it. `expected` is about the metadata stream, `$$` and the name.
 *
 * @throws WrongExpectedRevision, StreamTombstoned as an append does.
 */
export async function setStreamMetadata(
  store: EventStore,
  stream: StreamName,
  options: AppendOptions & { readonly metadata: StreamMetadata },
): Promise<Appended> {
  const { metadata, expected } = options;
  return store.append(metadataStreamOf(stream), [metadataEvent(metadata)], { expected });
}

/**
 * Hides the events of a stream before a revision, at once. Other metadata stay as they are.
 *
 * @throws WrongExpectedRevision when somebody else changed the metadata at the same moment.
 */
export async function truncateStream(store: EventStore, stream: StreamName, before: Revision): Promise<Appended> {
  const { metadata } = await store.streamState(stream);
  const { revision } = await store.streamState(metadataStreamOf(stream));
  const expected = revision ?? 'no-stream';
  return setStreamMetadata(store, stream, { metadata: { ...metadata, truncateBefore: before }, expected });
}

/** A whole number above zero, exactly: JSON numbers above 2^53 keep their digits. */
function positive(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value > 0n ? value : undefined;
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? BigInt(value) : undefined;
}

function parsedObject(bytes: Uint8Array): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes), exactNumbers);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : {};
  } catch {
    return {}; // As KurrentDB: malformed metadata are no metadata.
  }
}

/** Keeps whole numbers that a double cannot hold: `$tb` is 2^63 - 1 in a deleted stream. */
function exactNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  return context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}
