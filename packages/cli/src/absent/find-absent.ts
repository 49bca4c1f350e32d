import { categoryOf, eventTypeStream, type EventStore, type RecordedEvent, type StreamName } from 'daybook';

/** What is asked: where did one thing happen, and the other did not follow in time? */
export interface AbsentQuestion {
  readonly has: string;
  readonly lacks: string;
  readonly withinMs: number;
  /** Only streams of this category. */
  readonly category: string | undefined;
  /** Only what happened since. */
  readonly since: Date | undefined;
  readonly now: Date;
  readonly signal: AbortSignal;
}

/** An event that was not followed in time, in its stream. */
export interface Absence {
  readonly event: RecordedEvent;
  /** When the other event should have been there. */
  readonly dueAt: Date;
  /** The other event, when it came at last. */
  readonly late: RecordedEvent | undefined;
}

/**
 * The events that were not followed in time by another one, in the order in which the log tells. What is not due yet
 * is left out. Memory holds what is waited for, and nothing else.
 */
export async function findAbsent(store: EventStore, question: AbsentQuestion): Promise<readonly Absence[]> {
  const { has, lacks, withinMs, category, since, now } = question;
  const waiting = new Map<StreamName, RecordedEvent[]>();
  const absences: Absence[] = [];
  const dueAt = ({ created }: RecordedEvent): Date => new Date(created.getTime() + withinMs);
  for await (const event of inLogOrder(store, question)) {
    if (category !== undefined && categoryOf(event.stream) !== category) continue;
    // The other one first: when both are the same type, an event answers those before it, and waits itself.
    if (event.type === lacks) {
      for (const first of waiting.get(event.stream) ?? []) {
        if (event.created > dueAt(first)) absences.push({ event: first, dueAt: dueAt(first), late: event });
      }
      waiting.delete(event.stream);
    }
    if (event.type === has && (since === undefined || event.created >= since)) {
      waiting.set(event.stream, [...(waiting.get(event.stream) ?? []), event]);
    }
  }
  for (const event of [...waiting.values()].flat()) {
    if (dueAt(event) < now) absences.push({ event, dueAt: dueAt(event), late: undefined });
  }
  return absences.toSorted((left, right) => Number(left.event.position - right.event.position));
}

/** The events of both types, merged by position. */
async function* inLogOrder(
  store: EventStore,
  { has, lacks, signal }: AbsentQuestion,
): AsyncGenerator<RecordedEvent, void, undefined> {
  // What is appended while this runs is in neither: the end is taken first.
  const { position: end } = await store.head();
  if (end === undefined) return;
  const heads = await Promise.all(
    [...new Set([has, lacks])].map(async (type) => {
      const rest = store.readStream(eventTypeStream(type), { signal })[Symbol.asyncIterator]();
      return { rest, next: await rest.next() };
    }),
  );
  try {
    for (;;) {
      const [first, ...others] = heads.filter(({ next }) => next.done !== true && next.value.position <= end);
      if (first === undefined) return;
      const head = others.reduce((least, each) => (placeOf(each) < placeOf(least) ? each : least), first);
      if (head.next.done === true) return;
      yield head.next.value;
      head.next = await head.rest.next();
    }
  } finally {
    for (const { rest } of heads) await rest.return?.();
  }
}

function placeOf({ next }: { readonly next: IteratorResult<RecordedEvent> }): bigint {
  return next.done === true ? 0n : next.value.position;
}
