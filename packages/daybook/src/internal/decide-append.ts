import type { ActualState, ExpectedRevision, ExpectedState, Violation } from '../store/expected-revision.ts';
import type { Revision } from '../store/position.ts';
import type { StreamName } from '../store/stream-name.ts';

/** What an adapter knows about a stream at the moment of an append. Revisions are plain numbers inside adapters. */
export interface StreamFacts {
  /** Of the last event, tombstone aside; -1 when there never was one. */
  readonly revision: number;
  /** Of the first event that `$tb` and `$maxCount` leave visible. Above `revision` when all are hidden. */
  readonly firstVisible: number;
  readonly isDeleted: boolean;
  readonly isTombstoned: boolean;
  /** Whether its metadata stream holds an event: KurrentDB counts that as existing. */
  readonly hasMetadata: boolean;
  /** The id of the event at a revision, if there is one. */
  idAt(revision: number): string | undefined;
  /** The first revision, from `from` on, at which an id stands, or -1. */
  findId(id: string, from: number): number;
}

export type Verdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'repeated'; readonly firstRevision: number }
  | { readonly kind: 'refused'; readonly why: 'revision' | 'deleted' | 'tombstoned' };

const append: Verdict = { kind: 'append' };
const wrongRevision: Verdict = { kind: 'refused', why: 'revision' };

/**
 * Whether events with these ids may be appended to a stream, or are there already. The rules, and their order, are those
 * that KurrentDB's users know, except that a repeat under `any` and `stream-exists` is recognised as long as the events
 * are visible in the stream, not only while a cache remembers them.
 */
export function decideAppend(stream: StreamFacts, expected: ExpectedRevision, ids: readonly string[]): Verdict {
  if (stream.isTombstoned) return { kind: 'refused', why: 'tombstoned' };
  if (expected === 'any' || expected === 'stream-exists') {
    if (expected === 'stream-exists') {
      if (stream.isDeleted) return { kind: 'refused', why: 'deleted' };
      if (stream.revision < 0 && !stream.hasMetadata) return wrongRevision;
    }
    return decideAnywhere(stream, ids);
  }
  const at = expected === 'no-stream' ? -1 : Number(expected);
  if (at === stream.revision) return append; // Even if the ids are in the stream already: the writer named its end.
  if (at > stream.revision) return wrongRevision;
  return decideAt(stream, at + 1, expected, ids);
}

/** The writer named a place before the end: these very events at exactly this place are a repeat. */
function decideAt(stream: StreamFacts, first: number, expected: ExpectedRevision, ids: readonly string[]): Verdict {
  const same = ids.findIndex((id, index) => stream.idAt(first + index) !== id);
  if (same === -1) return { kind: 'repeated', firstRevision: first };
  return same === 0 && expected === 'no-stream' && stream.isDeleted ? append : wrongRevision;
}

/** The writer named no place: these very events, one after the other, anywhere in the visible stream are a repeat. */
function decideAnywhere(stream: StreamFacts, ids: readonly string[]): Verdict {
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) {
    const firstRevision = stream.findId(only, stream.firstVisible);
    return firstRevision < 0 ? append : { kind: 'repeated', firstRevision };
  }
  const known = new Map<string, number>();
  for (const id of ids) {
    const found = known.get(id) ?? stream.findId(id, stream.firstVisible);
    known.set(id, found);
  }
  if ([...known.values()].every((found) => found < 0)) return append;
  // The same id twice in one append stands for one event: KurrentDB takes `1any 1any` after `1e0` as a repeat.
  const distinct = [...known.values()];
  const first = distinct[0] ?? -1;
  const contiguous = distinct.every((found, index) => found === first + index);
  return first >= 0 && contiguous ? { kind: 'repeated', firstRevision: first } : wrongRevision;
}

/** Whether a check of `appendAll` holds. As KurrentDB's consistency checks, for a stream that is not written to. */
export function holds(stream: StreamFacts, expected: ExpectedState): boolean {
  switch (expected) {
    case 'no-stream':
      return stream.isTombstoned || stream.isDeleted || stream.revision < 0;
    case 'stream-exists':
      return !stream.isTombstoned && !stream.isDeleted && (stream.revision >= 0 || stream.hasMetadata);
    case 'deleted':
      return stream.isDeleted && !stream.isTombstoned;
    case 'tombstoned':
      return stream.isTombstoned;
    default:
      return !stream.isTombstoned && stream.revision >= 0 && BigInt(stream.revision) === expected;
  }
}

/** The violation to report for a belief that did not hold. */
export function violation(
  name: StreamName,
  stream: Pick<StreamFacts, 'revision' | 'isDeleted' | 'isTombstoned'>,
  expected: ExpectedRevision | ExpectedState,
): Violation {
  return { stream: name, expected, actual: actualState(stream), isDeleted: stream.isDeleted && !stream.isTombstoned };
}

function actualState({ revision, isTombstoned }: Pick<StreamFacts, 'revision' | 'isTombstoned'>): ActualState {
  if (isTombstoned) return 'tombstoned';
  return revision < 0 ? 'no-stream' : (BigInt(revision) as Revision); // A revision of the log, back at the edge.
}
