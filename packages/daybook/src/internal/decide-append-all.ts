import {
  InvalidOption,
  StreamDeleted,
  StreamTombstoned,
  WrongExpectedRevision,
  type DaybookError,
} from '../store/errors.ts';
import type { ExpectedRevision, Violation } from '../store/expected-revision.ts';
import type { StreamAppend, StreamCheck } from '../store/options.ts';
import type { StreamName } from '../store/stream-name.ts';
import { decideAppend, holds, violation, type StreamFacts, type Verdict } from './decide-append.ts';

/** What one `appendAll` adds to one stream. */
export interface StreamWrite {
  readonly stream: StreamName;
  readonly expected: ExpectedRevision;
  /** Of the events, in order and in lower case. */
  readonly ids: readonly string[];
}

/** Events that are in their stream already, and where. */
export interface RepeatedWrite {
  readonly stream: StreamName;
  readonly firstRevision: number;
  readonly lastRevision: number;
}

export type VerdictOnAll =
  | { readonly kind: 'append' }
  | { readonly kind: 'repeated'; readonly writes: readonly RepeatedWrite[] };

/**
 * Whether several streams may be appended to together, or were already.
 *
 * @throws WrongExpectedRevision with all violations: of the writes in their order, then of the checks. When only some
 *   writes are repeats, those are the violations.
 */
export function decideAppendAll(
  writes: readonly StreamWrite[],
  options: { readonly checks: readonly StreamCheck[]; readonly factsOf: (stream: StreamName) => StreamFacts },
): VerdictOnAll {
  const { checks, factsOf } = options;
  const judged = writes.map((write) => ({ write, verdict: decide(write, factsOf(write.stream)) }));
  const repeated = judged.flatMap(({ write, verdict }) =>
    verdict.kind === 'repeated' ? [repeatedWrite(write, verdict.firstRevision)] : [],
  );
  if (writes.length > 0 && repeated.length === writes.length) return { kind: 'repeated', writes: repeated };
  const [first, ...others]: readonly Violation[] = [
    ...judged.flatMap(({ write, verdict }) => (verdict.kind === 'append' ? [] : [violated(write, factsOf)])),
    ...checks.flatMap((check) => (holds(factsOf(check.stream), check.expected) ? [] : [violated(check, factsOf)])),
  ];
  if (first !== undefined) throw new WrongExpectedRevision(first, ...others);
  return { kind: 'append' };
}

/**
 * The writes of an `appendAll`, one for each stream, in the order of their first appearance.
 *
 * @throws InvalidOption when one stream is expected in two states.
 */
export function writesOf(appends: readonly StreamAppend[]): readonly StreamWrite[] {
  const writes = new Map<StreamName, { stream: StreamName; expected: ExpectedRevision; ids: string[] }>();
  for (const { stream, events, expected } of appends) {
    const ids = events.map(({ id }) => id.toLowerCase());
    const write = writes.get(stream);
    if (write === undefined) {
      writes.set(stream, { stream, expected, ids });
      continue;
    }
    if (write.expected !== expected) {
      throw new InvalidOption('expected', `of stream ${stream} it is ${write.expected} and ${expected} in one append`);
    }
    write.ids.push(...ids);
  }
  return [...writes.values()];
}

/** Where the events of a repeated write stand. The same id twice stands for one event when no place was named. */
export function repeatedWrite({ stream, expected, ids }: StreamWrite, firstRevision: number): RepeatedWrite {
  const isAnywhere = expected === 'any' || expected === 'stream-exists';
  const count = isAnywhere ? new Set(ids).size : ids.length;
  return { stream, firstRevision, lastRevision: firstRevision + count - 1 };
}

/** What to throw when an append to one stream was refused. */
export function refusal(
  write: Pick<StreamWrite, 'stream' | 'expected'>,
  { facts, why }: { readonly facts: StreamFacts; readonly why: (Verdict & { kind: 'refused' })['why'] },
): DaybookError {
  switch (why) {
    case 'deleted':
      return new StreamDeleted(write.stream);
    case 'tombstoned':
      return new StreamTombstoned(write.stream);
    case 'revision':
      return new WrongExpectedRevision(violation(write.stream, facts, write.expected));
    default:
      return why satisfies never;
  }
}

function decide({ expected, ids }: StreamWrite, facts: StreamFacts): Verdict {
  return decideAppend(facts, expected, ids);
}

function violated(
  { stream, expected }: Pick<StreamWrite, 'stream' | 'expected'> | StreamCheck,
  factsOf: (stream: StreamName) => StreamFacts,
): Violation {
  return violation(stream, factsOf(stream), expected);
}
