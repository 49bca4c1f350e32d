import { InvalidOption } from '../store/errors.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';

/** The events of one stream, as a store gave them. */
export interface ExportedEvents {
  readonly stream: StreamName;
  readonly events: readonly ExportedEvent[];
}

/** An event in the shape that it was stored in. */
export interface ExportedEvent {
  readonly type: string;
  readonly data: unknown;
  readonly metadata: Uint8Array;
}

export interface ExportedOptions {
  /** Only the events up to this revision. Default: all. */
  readonly upTo?: bigint | undefined;
}

/**
 * What `daybook export STREAM` and `daybook read STREAM --ndjson` write, for `given`: the history behind a decision of
 * production becomes the beginning of a test.
 *
 * @throws InvalidOption when it is something else, or has events of several streams, or none.
 */
export function exported(text: string, { upTo }: ExportedOptions = {}): ExportedEvents {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const events = lines.map((line, index) => parsed(line, index));
  const [stream, ...others] = new Set(events.map((event) => event.stream));
  if (stream === undefined) throw new InvalidOption('text', 'it has no events');
  if (others.length > 0) throw new InvalidOption('text', `it has events of ${stream} and ${others.join(', ')}`);
  return { stream, events: events.filter(({ revision }) => upTo === undefined || revision <= upTo) };
}

interface PlacedEvent extends ExportedEvent {
  readonly stream: StreamName;
  readonly revision: bigint;
}

/** An event of a line. An export does not say revisions: there the first line has the first one. */
function parsed(line: string, index: number): PlacedEvent {
  const fields = fieldsOf(line, index);
  const { stream, type, revision = String(index), data, dataBase64, metadata, metadataBase64 } = fields;
  if (typeof stream !== 'string' || typeof type !== 'string' || typeof revision !== 'string') {
    throw new InvalidOption('text', `line ${index + 1} is no event`);
  }
  return {
    stream: streamName(stream),
    revision: BigInt(revision),
    type,
    data: typeof dataBase64 === 'string' ? jsonOrBytes(Buffer.from(dataBase64, 'base64')) : data,
    metadata:
      typeof metadataBase64 === 'string'
        ? Buffer.from(metadataBase64, 'base64')
        : Buffer.from(metadata === undefined ? '' : JSON.stringify(metadata)),
  };
}

function fieldsOf(line: string, index: number): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Said below: it is no event either way.
  }
  throw new InvalidOption('text', `line ${index + 1} is no event`);
}

/** Data that were not JSON on one line. */
function jsonOrBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return bytes; // No view can name such an event.
  }
}
