import { checkExpected, checkNotEmpty, checkWritable } from '../store/check-append.ts';
import { InvalidOption, NotSupported, WrongExpectedRevision } from '../store/errors.ts';
import type { NewEvent } from '../store/event.ts';
import type { ExpectedRevision, ExpectedState, Violation } from '../store/expected-revision.ts';
import type { AppendAllOptions, AppendedAll, AppendedToStream, StreamAppend, StreamCheck } from '../store/options.ts';
import type { Position, Revision } from '../store/position.ts';
import { isDeleted } from '../store/stream-metadata.ts';
import type { StreamName } from '../store/stream-name.ts';
import { append, checkAppendable, expectedState, refusal } from './append.ts';
import type { Connection } from './connection.ts';
import { convertError, errorType } from './convert-error.ts';
import { convertEvent } from './convert-event.ts';
import { convertNewEvent } from './convert-new-event.ts';
import { streamMetadata, streamState } from './stream-state.ts';

const adapter = 'The protocol of KurrentDB';

/** What both calls of the client answer. */
interface RecordsAnswer {
  readonly position: bigint;
  readonly responses: readonly { readonly streamName: string; readonly revision: bigint }[];
}

/** What the client tells about a failed check. */
interface ClientViolation {
  readonly streamName: string;
  readonly actualState: bigint | 'no_stream';
}

/**
 * Appends to several streams, through `appendRecords` (servers from 26.1) or `multiStreamAppend` (from 25.1). Both turn
 * metadata into properties, text to text: other metadata are refused, and `$schema.name` and `$schema.format` are added.
 */
export async function appendAll(
  connection: Connection,
  appends: readonly StreamAppend[],
  { checks = [] }: AppendAllOptions = {},
): Promise<AppendedAll> {
  for (const each of appends) {
    checkWritable(each.stream);
    checkExpected(each.expected);
    checkNotEmpty(each.events);
  }
  const events = appends.flatMap((each) => each.events);
  checkAppendable(connection, events);
  const expectations = expectationsOf(appends);
  const [only] = expectations;
  if (only !== undefined && expectations.size === 1 && checks.length === 0) {
    const [stream, expected] = only;
    return appendOne(connection, { stream, events, expected });
  }
  if (events.length === 0 && checks.length === 0) return { outcome: 'appended', streams: [] };
  const before = await connection.highestSeen();
  const answer = await written(connection, appends, checks, expectations);
  if (events.length === 0) return { outcome: 'appended', streams: [] };
  const position = answer.position as Position; // The server's word.
  const outcome = connection.seen.isRepeat(position, before) ? 'repeated' : 'appended';
  const streams = await Promise.all(
    [...expectations.keys()].map((stream) => whereWritten(connection, stream, appends, answer)),
  );
  return { outcome, streams, position };
}

/** To one stream, an append can do more: it keeps the bytes of metadata. */
async function appendOne(connection: Connection, { stream, events, expected }: StreamAppend): Promise<AppendedAll> {
  try {
    const { outcome, ...where } = await append(connection, stream, events, { expected });
    return { outcome, streams: [{ stream, ...where }], position: where.position };
  } catch (error) {
    const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
    if (code !== 'stream-tombstoned' && code !== 'stream-deleted') throw error;
    const state = code === 'stream-deleted' ? -5n : -6n;
    throw new WrongExpectedRevision({ stream, expected, ...(await actual(connection, stream, state)) });
  }
}

function expectationsOf(appends: readonly StreamAppend[]): ReadonlyMap<StreamName, ExpectedRevision> {
  const expectations = new Map<StreamName, ExpectedRevision>();
  for (const { stream, expected } of appends) {
    if ((expectations.get(stream) ?? expected) !== expected) {
      throw new InvalidOption('expected', `two appends to ${stream} expect something else`);
    }
    expectations.set(stream, expected);
  }
  return expectations;
}

async function written(
  connection: Connection,
  appends: readonly StreamAppend[],
  checks: readonly StreamCheck[],
  expectations: ReadonlyMap<StreamName, ExpectedRevision>,
): Promise<RecordsAnswer> {
  const { client } = connection;
  try {
    if (client.appendRecords !== undefined) {
      const call = client.appendRecords.bind(
        client,
        recordsOf(appends) as never,
        checksOf(expectations, checks) as never,
      );
      return (await connection.write(call)) as RecordsAnswer; // What the client declares.
    }
  } catch (error) {
    if (errorType(error as Error) !== 'unsupported') throw await violation(connection, error, expectations, checks);
  }
  const isSession = checks.length === 0 && expectations.size === appends.length;
  if (client.multiStreamAppend === undefined || !isSession) {
    throw new NotSupported('append to several streams at once here: the client or the server is too old', adapter);
  }
  try {
    return (await connection.write(
      client.multiStreamAppend.bind(client, requestsOf(appends) as never),
    )) as RecordsAnswer;
  } catch (error) {
    throw await violation(connection, error, expectations, checks);
  }
}

function recordsOf(appends: readonly StreamAppend[]): readonly unknown[] {
  return appends.flatMap(({ stream, events }) =>
    events.map((event) => ({ streamName: stream, record: withProperties(event) })),
  );
}

function requestsOf(appends: readonly StreamAppend[]): readonly unknown[] {
  return appends.map(({ stream, events, expected }) => ({
    streamName: stream,
    expectedState: expectedState(expected),
    events: events.map((event) => withProperties(event)),
  }));
}

/** What is expected of each stream. The server takes one belief about a stream, written to or not. */
function checksOf(
  expectations: ReadonlyMap<StreamName, ExpectedRevision>,
  checks: readonly StreamCheck[],
): readonly unknown[] {
  const all = new Map<StreamName, ExpectedRevision | ExpectedState>(expectations);
  for (const { stream, expected } of checks) {
    const known = all.get(stream) ?? 'any';
    if (known !== 'any' && known !== expected) {
      throw new NotSupported(`check two things of one stream, ${stream}`, adapter);
    }
    all.set(stream, expected);
  }
  return [...all]
    .filter(([, expected]) => expected !== 'any')
    .map(([streamName, expected]) => ({ type: 'stream_state', streamName, expectedState: checkedState(expected) }));
}

/** The client has no words for the last two and passes the protocol's numbers on. */
function checkedState(expected: ExpectedRevision | ExpectedState): bigint | string {
  if (expected === 'deleted') return -5n;
  return expected === 'tombstoned' ? -6n : expectedState(expected);
}

/** The client takes metadata as an object of texts here, and nothing else. */
function withProperties(event: NewEvent): unknown {
  const { metadata } = event;
  const sent = convertNewEvent({ ...event, metadata: undefined });
  return metadata === undefined || metadata.length === 0
    ? sent
    : Object.assign(sent, { metadata: properties(metadata) });
}

function properties(metadata: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(metadata));
  } catch {
    value = undefined;
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject || Object.values(value as object).some((each) => typeof each !== 'string')) {
    throw new NotSupported('keep metadata that are not an object of texts in an append to several streams', adapter);
  }
  return value;
}

/** The client does not pass the position in each stream on: it is read. */
async function whereWritten(
  connection: Connection,
  stream: StreamName,
  appends: readonly StreamAppend[],
  answer: RecordsAnswer,
): Promise<AppendedToStream> {
  const count = appends.reduce((sum, each) => sum + (each.stream === stream ? each.events.length : 0), 0);
  const response = answer.responses.find(({ streamName }) => streamName === stream);
  const revision = (response?.revision ?? 0n) as Revision; // The server's word.
  const where = { stream, firstRevision: (revision - BigInt(count) + 1n) as Revision, revision };
  const options = { fromRevision: revision, resolveLinkTos: false };
  let position = answer.position as Position; // The server's word. If the event is hidden already: not above this one.
  for await (const messages of connection.open({ stream, options, read: { count: 1n, direction: 'forwards' } })) {
    for (const message of messages)
      if (message.hasEvent()) position = convertEvent(message.getEvent())?.position ?? position;
  }
  return { ...where, position };
}

async function violation(
  connection: Connection,
  error: unknown,
  expectations: ReadonlyMap<StreamName, ExpectedRevision>,
  checks: readonly StreamCheck[],
): Promise<unknown> {
  if (!(error instanceof Error)) return error;
  const violations: unknown = Reflect.get(error, 'violations');
  if (!Array.isArray(violations)) {
    const stream = String(Reflect.get(error, 'streamName') ?? Reflect.get(error, 'stream')) as StreamName; // Named by the server.
    const expected = expectations.get(stream);
    return expected === undefined
      ? convertError(error, { call: 'append' })
      : refusal(connection, error, { stream, expected });
  }
  const list = violations as readonly ClientViolation[]; // What the client declares.
  const [first, ...others] = await Promise.all(
    list.map(async ({ streamName, actualState }): Promise<Violation> => {
      const stream = streamName as StreamName; // One of ours.
      const expected = expectations.get(stream) ?? checks.find((check) => check.stream === stream)?.expected ?? 'any';
      return { stream, expected, ...(await actual(connection, stream, actualState)) };
    }),
  );
  return first === undefined ? convertError(error, { call: 'append' }) : new WrongExpectedRevision(first, ...others);
}

async function actual(
  connection: Connection,
  stream: StreamName,
  state: bigint | 'no_stream',
): Promise<Pick<Violation, 'actual' | 'isDeleted'>> {
  if (state === 'no_stream') return { actual: 'no-stream', isDeleted: false };
  if (state === -6n) return { actual: 'tombstoned', isDeleted: false };
  if (state === -5n) {
    const { revision = 'no-stream' } = await streamState(connection, stream);
    return { actual: revision, isDeleted: true };
  }
  return { actual: state as Revision, isDeleted: isDeleted(await streamMetadata(connection, stream)) }; // The server's word.
}
