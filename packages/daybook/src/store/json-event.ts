import { EventNotJson } from './errors.ts';
import type { NewEvent, RecordedEvent } from './event.ts';

/** What `jsonEvent` takes: an event whose data and metadata are still values. */
export interface JsonEvent {
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Default: a new random UUID. */
  readonly id?: string | undefined;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** An event whose data and metadata are JSON. They become bytes here, once; a store never serialises them again. */
export function jsonEvent({ type, data, metadata, id = crypto.randomUUID() }: JsonEvent): NewEvent {
  return {
    id,
    type,
    data: encoder.encode(JSON.stringify(data) ?? 'null'),
    metadata: metadata === undefined ? undefined : encoder.encode(JSON.stringify(metadata)),
    contentType: 'application/json',
  };
}

/**
 * The data of an event, parsed.
 *
 * @throws EventNotJson when the bytes are not JSON.
 */
export function jsonData(event: RecordedEvent): unknown {
  return parsed(event, event.data, 'data');
}

/**
 * The metadata of an event, parsed. No bytes are an empty object.
 *
 * @throws EventNotJson when the bytes are not JSON.
 */
export function jsonMetadata(event: RecordedEvent): unknown {
  return event.metadata.length === 0 ? {} : parsed(event, event.metadata, 'metadata');
}

function parsed(event: RecordedEvent, bytes: Uint8Array, part: 'data' | 'metadata'): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new EventNotJson(event, part, { cause });
  }
}
