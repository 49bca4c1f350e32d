import {
  streamName,
  WrongExpectedRevision,
  type EventStore,
  type ExpectedRevision,
  type ExpectedState,
  type NewEvent,
  type StreamAppend,
  type StreamCheck,
  type StreamName,
  type Violation,
} from 'daybook';

import type { Call } from '../grpc/call.ts';
import { status, type GrpcError } from '../grpc/status.ts';
import { readRecordsRequest, writeRecordsResponse, type RecordsRequest } from '../protocol/records-messages.ts';
import { framed, type Writer } from '../protocol/writer.ts';
import { actualNumber, streamOf } from './append-session.ts';
import { parseExpectedState, parseRecord } from './parse-record.ts';
import { onlyMessage } from './parse-request.ts';
import { badRequest, streamsError, toRichError } from './rich-error.ts';
import { expectedNumber } from './to-grpc-error.ts';

/** AppendRecords: events for any streams, in order and together, if all checks hold. */
export async function appendRecords(store: EventStore, call: Call): Promise<void> {
  let request: Parsed | undefined;
  try {
    request = parse(readRecordsRequest(await onlyMessage(call)));
    const { appends, checks } = request;
    const { streams, position = 0n } = await store.appendAll(appends, { checks });
    call.answer(framed((writer) => writeRecordsResponse(writer, streams, position)));
  } catch (error) {
    if (call.signal.aborted) throw error;
    if (error instanceof WrongExpectedRevision && request !== undefined) {
      throw consistencyViolation(error.violations, request);
    }
    throw toRichError(error, (id) => streamOf(request?.appends ?? [], id));
  }
}

interface Parsed {
  readonly appends: readonly StreamAppend[];
  /** Of streams that are not written to, and what only a check can expect. */
  readonly checks: readonly StreamCheck[];
  /** What the checks expect, those of streams that are written to included. */
  readonly expected: ReadonlyMap<string, ExpectedState>;
  /** The streams of the checks, then those that are only written to: a violation names its place in it. */
  readonly order: readonly string[];
}

function parse({ records, checks }: RecordsRequest): Parsed {
  if (records.length === 0 && checks.length === 0) throw badRequest('There is nothing to append and nothing to check.');
  const states = parseChecks(checks);
  const written = new Set(records.map(({ stream }) => streamName(stream)));
  // What names a place of a stream that is written to is what its writer expects: a repeat is known by it.
  const expectations = new Map<StreamName, ExpectedRevision>();
  const others: StreamCheck[] = [];
  for (const check of states) {
    const { stream, expected } = check;
    if (written.has(stream) && expected !== 'deleted' && expected !== 'tombstoned') expectations.set(stream, expected);
    else others.push(check);
  }
  const appends: { stream: StreamName; events: NewEvent[]; expected: ExpectedRevision }[] = [];
  for (const record of records) {
    const stream = streamName(record.stream);
    const last = appends.at(-1);
    const event = parseRecord(record);
    if (last?.stream === stream) last.events.push(event);
    else appends.push({ stream, events: [event], expected: expectations.get(stream) ?? 'any' });
  }
  const order = [...new Set([...states.map(({ stream }) => stream), ...written])];
  const expected = new Map(states.map((check) => [check.stream, check.expected]));
  return { appends, checks: others, expected, order };
}

function parseChecks(checks: RecordsRequest['checks']): readonly StreamCheck[] {
  const seen = new Set<string>();
  return checks.map(({ stream, expected }) => {
    const key = stream.toLowerCase();
    if (seen.has(key)) throw badRequest(`Stream '${stream}' is checked twice.`);
    seen.add(key);
    return { stream: streamName(stream), expected: parseExpectedState(expected) };
  });
}

/** Each stream is named once: what is written to it and what is checked of it are one expectation to its writer. */
function consistencyViolation(violations: readonly Violation[], { expected, order }: Parsed): GrpcError {
  const indexed = [...new Map(violations.map((violation) => [violation.stream, violation])).values()]
    .map((violation) => ({ ...violation, expected: expected.get(violation.stream) ?? violation.expected }))
    .map((violation) => ({ violation, index: order.indexOf(violation.stream) }))
    .toSorted((a, b) => a.index - b.index);
  return streamsError({
    code: status.failedPrecondition,
    message: `Nothing was written: ${indexed.length} of the streams are not as expected.`,
    reason: 'APPEND_CONSISTENCY_VIOLATION',
    details: {
      type: 'AppendConsistencyViolationErrorDetails',
      write: (writer) => {
        for (const { violation, index } of indexed) {
          writer.message(1, (each) => writeViolation(each.int(1, index), violation));
        }
      },
    },
  });
}

function writeViolation(writer: Writer, violation: Violation): void {
  const { stream, expected } = violation;
  writer.message(2, (state) =>
    state.string(1, stream).sint(2, expectedNumber(expected)).sint(3, actualNumber(violation)),
  );
}
