import { createHash } from 'node:crypto';

import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { Revision } from '../store/position.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { isConflict } from './failures.ts';
import { appendTo, fieldsOf } from './journal.ts';

/** What is worse: an effect that happens twice, or one that does not happen. */
export type EffectDelivery = 'at-least-once' | 'at-most-once';

/** An effect that is to happen once. */
export interface OnceOptions {
  /** What is the same when it is the same effect: `welcome-mail/42`. */
  readonly key: string;
  /**
   * After a crash in the middle of it nobody knows whether it happened. `at-least-once` does it again;
   * `at-most-once` does not. Default: `at-least-once`.
   */
  readonly delivery?: EffectDelivery | undefined;
}

/** What became of an effect. */
export type OnceResult<Result> =
  /** It was done now, or `isRepeat`: before, and this is what it gave then. */
  | { readonly outcome: 'done'; readonly result: Result; readonly isRepeat: boolean }
  /** It was begun before, and nobody knows how it ended. It was not begun again. */
  | { readonly outcome: 'unknown' };

/** The stream that remembers one effect of a consumer. */
export function effectStreamOf(consumer: string, key: string): StreamName {
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return streamName(`$effect-${consumer}-${hash}`);
}

/**
 * Does an effect once for its key, and remembers what it gave, which must be JSON. What it throws is thrown; it then
 * counts as begun.
 */
export async function once<Result>(
  store: EventStore,
  { consumer, key, delivery = 'at-least-once' }: OnceOptions & { readonly consumer: string },
  effect: () => Result | Promise<Result>,
): Promise<OnceResult<Result>> {
  const stream = effectStreamOf(consumer, key);
  const before = await Array.fromAsync(store.readStream(stream));
  const repeat = doneIn<Result>(before);
  if (repeat !== undefined) return repeat;
  const isBegun = before.length > 0;
  if (isBegun && delivery === 'at-most-once') return { outcome: 'unknown' };
  let last: Revision | undefined = before.at(-1)?.revision;
  if (!isBegun) {
    try {
      const began = { type: 'EffectBegun', data: { key, consumer, delivery }, expected: 'no-stream' as const };
      last = (await appendTo(store, { stream }, began)).revision;
    } catch (error) {
      if (!isConflict(error)) throw error;
      // Somebody else does the same at this moment.
      return (await doneNow<Result>(store, stream)) ?? { outcome: 'unknown' };
    }
  }
  const result = await effect();
  try {
    await appendTo(store, { stream }, { type: 'EffectDone', data: { key, result }, expected: last ?? 'any' });
  } catch (error) {
    if (!isConflict(error)) throw error;
    const first = await doneNow<Result>(store, stream);
    if (first !== undefined) return first; // It happened twice, and all remember the same.
    throw error;
  }
  return { outcome: 'done', result, isRepeat: false };
}

async function doneNow<Result>(store: EventStore, stream: StreamName): Promise<OnceResult<Result> | undefined> {
  return doneIn<Result>(await Array.fromAsync(store.readStream(stream)));
}

function doneIn<Result>(events: readonly RecordedEvent[]): OnceResult<Result> | undefined {
  const done = events.find(({ type }) => type === 'EffectDone');
  if (done === undefined) return undefined;
  const result = fieldsOf(done)['result'] as Result; // What the same effect gave, from JSON.
  return { outcome: 'done', result, isRepeat: true };
}
