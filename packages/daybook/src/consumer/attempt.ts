import { causedBy, causeOf } from '../internal/cause.ts';
import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Clock } from './clock.ts';
import type { Consumer, HandlerContext } from './consumer.ts';
import { HandlerTimedOut } from './errors.ts';
import { once } from './once.ts';

/** A handler that has timed out gets so long to react to its signal. */
const graceMs = 1_000;

/** An event to handle, and how often that was tried. */
export interface Attempted {
  readonly event: RecordedEvent;
  /** Which of the consumer's sources decodes it. */
  readonly source: number;
  /** 1 for the first try. */
  readonly attempt: number;
}

export interface AttemptOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Takes events through the whole pipeline: decode, handle, interpret. Returns when all of it is done.
 *
 * @throws HandlerTimedOut when it takes too long, and whatever the pipeline throws.
 */
export async function attempt(
  consumer: Consumer,
  attempted: readonly Attempted[],
  { store, clock, signal }: AttemptOptions,
): Promise<void> {
  const decoded: unknown[] = [];
  const contexts: HandlerContext[] = [];
  const under = new AbortController();
  const ongoing = new Set<Promise<unknown>>();
  const work = async (): Promise<void> => {
    for (const each of attempted) {
      const event = await consumer.decode(each.event, each.source);
      if (event === undefined) continue;
      decoded.push(event);
      contexts.push(contextOf(consumer, each, { store, signal: under.signal, ongoing }));
    }
    const [first, ...others] = contexts;
    if (first === undefined) return;
    const handle = (): Promise<void> => consumer.handle(decoded, [first, ...others]);
    try {
      // What is done because of one event says so. A batch has no one cause.
      await (others.length === 0 ? causedBy(causeOf(first.event), handle) : handle());
      // A handler that forgot to wait for its effects is not done before they are.
      await Promise.all(ongoing);
    } finally {
      await Promise.allSettled(ongoing); // Nor is it tried again while they are under way.
    }
  };
  // Not AbortSignal.any: what a handler hangs on a signal that depends on the session's stays as long as the session.
  const stop = (): void => under.abort(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await limited(work, { timeoutMs: consumer.timeoutMs, clock, timeout: under });
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function limited(
  work: () => Promise<void>,
  { timeoutMs, clock, timeout }: { timeoutMs: number; clock: Clock; timeout: AbortController },
): Promise<void> {
  const ended = new AbortController();
  const working = work();
  const timer = clock.sleep(timeoutMs, ended.signal).then(() => 'time' as const);
  timer.catch(() => {}); // It was in time.
  try {
    const first = await Promise.race([working.then(() => 'done' as const), timer]);
    if (first === 'done') return;
    timeout.abort(new HandlerTimedOut(timeoutMs, 'ended'));
    const grace = clock.sleep(graceMs, ended.signal).then(() => 'still-running' as const);
    grace.catch(() => {}); // It reacted.
    const settled = working.then(
      () => 'done' as const,
      () => 'ended' as const,
    );
    const outcome = await Promise.race([settled, grace]);
    if (outcome !== 'done') throw new HandlerTimedOut(timeoutMs, outcome);
  } finally {
    ended.abort();
  }
}

function contextOf(
  { name }: Consumer,
  { event, attempt: number }: Attempted,
  { store, signal, ongoing }: { store: EventStore; signal: AbortSignal; ongoing: Set<Promise<unknown>> },
): HandlerContext {
  return {
    consumer: name,
    event,
    attempt: number,
    key: `${name}/${event.id}`,
    signal,
    once: (options, effect) => {
      // What the handler is given is what is waited for: a failure that it catches itself is no failure of the attempt.
      const doing = once(store, { ...options, consumer: name }, effect).finally(() => ongoing.delete(doing));
      ongoing.add(doing);
      return doing;
    },
  };
}
