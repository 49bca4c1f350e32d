import { checkDeletable, checkExpected } from '../store/check-append.ts';
import { StreamDeleted, StreamTombstoned, WrongExpectedRevision } from '../store/errors.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Position } from '../store/position.ts';
import { metadataStreamOf, type StreamName } from '../store/stream-name.ts';
import { expectedState, refusal } from './append.ts';
import type { KurrentPosition } from './client.ts';
import type { Connection } from './connection.ts';
import { streamState } from './stream-state.ts';

/** How often a deletion is tried again when somebody appends between the look at the stream and the deletion. */
const attempts = 5;

/** Deletes or tombstones a stream. */
export async function deleteStream(
  connection: Connection,
  stream: StreamName,
  call: { readonly expected: ExpectedRevision; readonly method: 'deleteStream' | 'tombstoneStream' },
): Promise<{ readonly position: Position }> {
  checkDeletable(stream);
  const { expected, method } = call;
  checkExpected(expected);
  if (expected !== 'stream-exists') return sent(connection, stream, call, expected);
  // The clients cannot say "it exists". Its revision, looked up, says the same or fails.
  for (let attempt = 1; ; attempt++) {
    const at = await existing(connection, stream);
    try {
      return await sent(connection, stream, { expected, method }, at);
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision) || attempt === attempts) throw error;
    }
  }
}

/** The expectation that holds if nothing happens to a stream that exists. */
async function existing(connection: Connection, stream: StreamName): Promise<ExpectedRevision> {
  const { status, revision } = await streamState(connection, stream);
  if (status === 'tombstoned') throw new StreamTombstoned(stream);
  if (status === 'deleted') throw new StreamDeleted(stream);
  if (revision !== undefined) return revision;
  // Having metadata counts as existing.
  const metadata = await connection.edge(metadataStreamOf(stream), 'backwards');
  if (metadata !== undefined) return 'any';
  throw new WrongExpectedRevision({ stream, expected: 'stream-exists', actual: 'no-stream', isDeleted: false });
}

async function sent(
  connection: Connection,
  stream: StreamName,
  call: { readonly expected: ExpectedRevision; readonly method: 'deleteStream' | 'tombstoneStream' },
  at: ExpectedRevision,
): Promise<{ readonly position: Position }> {
  const { client, seen } = connection;
  try {
    const { position } = (await connection.write((shared) =>
      client[call.method](stream, { ...shared, expectedRevision: expectedState(at) }),
    )) as { readonly position?: KurrentPosition | undefined }; // What both clients declare.
    if (position !== undefined) seen.note(position.commit);
    return { position: (position?.commit ?? seen.highest) as Position }; // The server's word.
  } catch (error) {
    throw await refusal(connection, error, { stream, expected: call.expected });
  }
}
