import type { RecordedEvent } from '../store/event.ts';
import type { StreamState } from '../store/options.ts';
import type { Revision } from '../store/position.ts';
import { isDeleted, parseStreamMetadata, type StreamMetadata } from '../store/stream-metadata.ts';
import { isMetadataStream, metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import type { Connection } from './connection.ts';
import { actualRevision } from './convert-error.ts';

/** A revision that no stream has, just below that of a tombstone. */
const unreachable = 2n ** 63n - 2n;

const noMetadata: StreamMetadata = { custom: {} };

/**
 * Where a stream stands, as far as the protocol tells: not where in the log the last event of a stream without visible
 * events is, and nothing about what a tombstone covers.
 */
export async function streamState(connection: Connection, stream: StreamName): Promise<StreamState> {
  try {
    const [last, first, metadata] = await Promise.all([
      connection.edge(stream, 'backwards'),
      connection.edge(stream, 'forwards'),
      streamMetadata(connection, stream),
    ]);
    if (last !== undefined && last !== 'hidden') {
      const { revision, position } = last;
      return { stream, status: 'exists', revision, position, ...firstRevision(first), metadata };
    }
    if (last === undefined && !isDeleted(metadata)) return { stream, status: 'no-stream', metadata };
    const revision = await probeRevision(connection, stream);
    const status = isDeleted(metadata) ? 'deleted' : 'exists';
    return { stream, status, ...(revision !== undefined && { revision }), metadata };
  } catch (error) {
    if (!isTombstoned(error)) throw error;
    return { stream, status: 'tombstoned', metadata: noMetadata };
  }
}

/** The metadata of a stream, those of a deleted one too. Those of a tombstoned one are gone. */
export async function streamMetadata(connection: Connection, stream: StreamName): Promise<StreamMetadata> {
  if (isMetadataStream(stream)) return noMetadata;
  try {
    const event = await connection.edge(metadataStreamOf(stream), 'backwards');
    return event === undefined || event === 'hidden' ? noMetadata : parseStreamMetadata(event.data);
  } catch (error) {
    if (isTombstoned(error)) return noMetadata;
    throw error;
  }
}

function firstRevision(first: RecordedEvent | 'hidden' | undefined): { firstRevision?: Revision } {
  return first === undefined || first === 'hidden' ? {} : { firstRevision: first.revision };
}

/**
 * The last revision of a stream that shows no events. A read does not tell; the refusal of an append does, and an
 * append at a revision that cannot be is always refused.
 */
async function probeRevision({ client }: Connection, stream: StreamName): Promise<Revision | undefined> {
  const probe = { id: crypto.randomUUID(), type: 'probe', contentType: 'application/octet-stream' } as const;
  const options = { streamState: unreachable, expectedRevision: unreachable };
  try {
    await client.appendToStream(stream, [{ ...probe, data: new Uint8Array() }], options);
    return undefined;
  } catch (error) {
    return actualRevision(error);
  }
}

function isTombstoned(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'stream-tombstoned';
}
