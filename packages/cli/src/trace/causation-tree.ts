import { jsonMetadata, type RecordedEvent } from 'daybook';
import { eventIdOf } from 'daybook/decider';

/** An event of a chain, and where in the tree it stands. */
export interface TracedEvent {
  readonly event: RecordedEvent;
  /** 0 for what no event of the chain caused. */
  readonly depth: number;
  /** What it says that caused it: a command or an event. */
  readonly causationId: string | undefined;
  /** Whether another event follows that has the same cause. */
  readonly isFollowed: boolean;
  /** The event that caused it, where that is one of the chain. */
  readonly above: TracedEvent | undefined;
}

/** No command gives more events that are looked for by their ids. */
const mostOfCommand = 1_000;

/**
 * The events of a chain, each right behind what caused it, and otherwise in the order of the log. Events that one
 * command gave stand beside each other, although the command's id is that of the first of them.
 */
export function causationTree(events: readonly RecordedEvent[]): readonly TracedEvent[] {
  const byId = new Map(events.map((event) => [event.id, event]));
  const children = Map.groupBy(events, (event) => parentOf(event, byId));
  const traced: TracedEvent[] = [];
  const seen = new Set<string>();
  const addBelow = (roots: readonly RecordedEvent[]): void => {
    const waiting = belowOf(undefined, roots);
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (seen.has(next.event.id)) continue;
      seen.add(next.event.id);
      traced.push(next);
      waiting.push(...belowOf(next, children.get(next.event.id) ?? []));
    }
  };
  addBelow(children.get(undefined) ?? []);
  // Whatever is left names each other as its cause: a mistake of who wrote it, and no reason to hide it.
  for (const event of events) if (!seen.has(event.id)) addBelow([event]);
  return traced;
}

/** What stands below an event, the last one first. */
function belowOf(above: TracedEvent | undefined, events: readonly RecordedEvent[]): TracedEvent[] {
  const depth = above === undefined ? 0 : above.depth + 1;
  return events
    .map((event, index) => ({
      event,
      depth,
      causationId: causationIdOf(event),
      isFollowed: index < events.length - 1,
      above,
    }))
    .toReversed();
}

/** The event that caused an event, if it is one of the chain. */
function parentOf(event: RecordedEvent, byId: ReadonlyMap<string, RecordedEvent>): string | undefined {
  const cause = causationIdOf(event);
  const parent = cause === undefined || cause === event.id ? undefined : byId.get(cause);
  return parent === undefined || isBeside(event, parent) ? undefined : parent.id;
}

/** Whether an event comes from the command whose first event this is, and not from that event. */
function isBeside(event: RecordedEvent, first: RecordedEvent): boolean {
  const index = Number(event.revision - first.revision);
  const isNear = first.stream === event.stream && index > 0 && index < mostOfCommand;
  return isNear && event.id === eventIdOf(first.id, index);
}

function causationIdOf(event: RecordedEvent): string | undefined {
  try {
    const metadata = jsonMetadata(event);
    const id: unknown =
      typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, '$causationId') : undefined;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined; // Metadata may be anything; only JSON says a cause.
  }
}
