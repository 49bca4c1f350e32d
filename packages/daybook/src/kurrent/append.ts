import { checkEvents, checkExpected, checkNotEmpty, checkWritable } from '../store/check-append.ts';
import { NotSupported, StreamDeleted, WrongExpectedRevision } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Appended, AppendOptions } from '../store/options.ts';
import type { Position, Revision } from '../store/position.ts';
import { isDeleted } from '../store/stream-metadata.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { KurrentPosition } from './client.ts';
import type { Connection } from './connection.ts';
import { actualRevision, convertError, errorType } from './convert-error.ts';
import { convertNewEvent } from './convert-new-event.ts';
import { streamMetadata, streamState } from './stream-state.ts';

/** What both clients answer. */
interface AppendAnswer {
  readonly success: boolean;
  readonly nextExpectedRevision: bigint;
  readonly position?: KurrentPosition | undefined;
}

/** Appends to one stream. */
export async function append(
  connection: Connection,
  stream: StreamName,
  events: readonly NewEvent[],
  { expected }: AppendOptions,
): Promise<Appended> {
  checkWritable(stream);
  checkExpected(expected);
  checkNotEmpty(events);
  checkAppendable(connection, events);
  const before = await connection.highestSeen();
  const answer = await written(connection, { stream, events, expected });
  const position = (answer.position?.commit ?? connection.seen.highest) as Position; // The server's word.
  const outcome = connection.seen.isRepeat(position, before) ? 'repeated' : 'appended';
  const revision = answer.nextExpectedRevision as Revision; // The same. Of the last event, whatever its name says.
  const count = outcome === 'appended' ? events.length : new Set(events.map(({ id }) => id.toLowerCase())).size;
  return { outcome, firstRevision: (revision - BigInt(count) + 1n) as Revision, revision, position };
}

/** Throws unless these events can be stored, and sent by the clients. */
export function checkAppendable({ limits }: Connection, events: readonly NewEvent[]): void {
  checkEvents(events, limits);
  if (events.some(({ created }) => created !== undefined)) {
    throw new NotSupported('keep the time at which an imported event was created', 'The protocol of KurrentDB');
  }
}

/** An expected revision in the clients' words. */
export function expectedState(expected: ExpectedRevision): bigint | string {
  if (expected === 'no-stream') return 'no_stream';
  return expected === 'stream-exists' ? 'stream_exists' : expected;
}

/** The error to throw for a write that expected something of a stream. */
export async function refusal(
  connection: Connection,
  error: unknown,
  write: { readonly stream: StreamName; readonly expected: ExpectedRevision; readonly sizeBytes?: number },
): Promise<unknown> {
  const { stream, expected } = write;
  const type = error instanceof Error ? errorType(error) : '';
  if (type === 'wrong-expected-version') {
    const actual = actualRevision(error) ?? 'no-stream';
    const hidden = actual !== 'no-stream' && isDeleted(await streamMetadata(connection, stream));
    return new WrongExpectedRevision({ stream, expected, actual, isDeleted: hidden });
  }
  if (type === 'stream-deleted' && expected === 'stream-exists') {
    // The protocol has one word for both.
    const { status } = await streamState(connection, stream);
    if (status !== 'tombstoned') return new StreamDeleted(stream);
  }
  return convertError(error, { call: 'append', ...write });
}

async function written(
  connection: Connection,
  { stream, events, expected }: { stream: StreamName; events: readonly NewEvent[]; expected: ExpectedRevision },
): Promise<AppendAnswer> {
  const state = expectedState(expected);
  const sent = events.map((event) => convertNewEvent(event));
  let answer: AppendAnswer;
  try {
    const options = { streamState: state, expectedRevision: state };
    answer = (await connection.write((shared) =>
      connection.client.appendToStream(stream, sent, { ...shared, ...options }),
    )) as AppendAnswer; // What both clients declare.
  } catch (error) {
    const sizeBytes = events.reduce((sum, { data, metadata }) => sum + data.length + (metadata?.length ?? 0), 0);
    throw await refusal(connection, error, { stream, expected, sizeBytes });
  }
  if (!answer.success) {
    // The client was told not to throw (`throwOnAppendFailure=false`), and does not say where the stream is.
    const { revision, status } = await streamState(connection, stream);
    throw new WrongExpectedRevision({
      stream,
      expected,
      actual: revision ?? 'no-stream',
      isDeleted: status === 'deleted',
    });
  }
  return answer;
}
