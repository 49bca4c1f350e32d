import type { Did, Operation } from './history.ts';

/**
 * What contradicts the final log as the order of the operations on one stream: a sentence each. An append-only log is
 * its own witness: each append stands in it, each read and each refusal saw a beginning of it, and what was answered
 * before something else was sent did not see more than that. Far cheaper than a search, for histories of any length.
 */
export function contradictions(operations: readonly Operation[], log: readonly string[]): readonly string[] {
  const places = new Map(log.map((id, place) => [id, place]));
  const placed = operations.map((operation) => ({ operation, span: spanOf(operation.did, places) }));
  const inside = new Set(placed.flatMap(({ operation, span }) => insideOf(operation.did, span)));
  const least = greatestBefore(
    placed.map(({ operation, span }) => ({ at: operation.returnedAt, length: span?.end ?? 0 })),
  );
  return [
    ...(places.size === log.length ? [] : ['an event stands in the log twice']),
    ...placed.flatMap(({ operation, span }) => {
      const { did, invokedAt } = operation;
      if (span === undefined) return did.kind === 'append' && did.revision === undefined ? [] : ['an append is gone'];
      const what = `the ${did.kind} at ${span.start}`;
      if (!isTrue(did, { span, log })) return [`${what} was answered wrongly`];
      if (did.kind !== 'append' && inside.has(span.start)) return [`${what} saw a part of an append`];
      return span.start < least(invokedAt) ? [`${what} was sent when the stream was longer`] : [];
    }),
  ];
}

/** How long the stream was before an operation, and after it. */
interface Span {
  readonly start: number;
  readonly end: number;
}

function spanOf(did: Did, places: ReadonlyMap<string, number>): Span | undefined {
  if (did.kind === 'read') return { start: did.ids.length, end: did.ids.length };
  if (did.kind === 'conflict') return { start: did.actual + 1, end: did.actual + 1 };
  const start = places.get(did.ids[0] ?? '');
  return start === undefined ? undefined : { start, end: start + did.ids.length };
}

/** The lengths that the stream never had, because an append went past them. */
function insideOf(did: Did, span: Span | undefined): readonly number[] {
  if (did.kind !== 'append' || span === undefined) return [];
  return did.ids.slice(1).map((_, index) => span.start + index + 1);
}

/** Whether an answer agrees with the log, whenever it was given. */
function isTrue(did: Did, { span, log }: { readonly span: Span; readonly log: readonly string[] }): boolean {
  if (did.kind === 'read') return did.ids.every((id, place) => log[place] === id);
  if (did.kind === 'conflict') return did.actual !== did.expected && span.end <= log.length;
  const { ids, expected, revision } = did;
  const isExpected = expected === undefined || span.start === expected + 1;
  const isAnswered = revision === undefined || revision === span.end - 1;
  return isExpected && isAnswered && ids.every((id, index) => log[span.start + index] === id);
}

/** The greatest length of those whose time is before a given one. */
function greatestBefore(points: readonly { readonly at: number; readonly length: number }[]): (time: number) => number {
  const sorted = points.toSorted((left, right) => left.at - right.at);
  let greatest = 0;
  const lengths = sorted.map(({ length }) => (greatest = Math.max(greatest, length)));
  return (time) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.at < time) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : lengths[low - 1]!;
  };
}
