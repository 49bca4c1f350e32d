import { AsyncLocalStorage } from 'node:async_hooks';

import type { RecordedEvent } from '../store/event.ts';

/** Why something is done: the ids that an event appended now should carry in its metadata. */
export interface Cause {
  /** The same along a whole chain of commands and events. */
  readonly correlationId: string;
  /** The command or event that came right before. */
  readonly causationId: string;
}

const storage = new AsyncLocalStorage<Cause>();

/** Does `work`, and whatever it waits for, under a cause: what is appended meanwhile says so in its metadata. */
export function causedBy<Result>(cause: Cause, work: () => Result): Result {
  return storage.run(cause, work);
}

/** The cause of what is done now, if it has one. */
export function currentCause(): Cause | undefined {
  return storage.getStore();
}

/** The cause that an event is for whatever it sets off. An event without a correlation id begins a chain of its own. */
export function causeOf(event: Pick<RecordedEvent, 'id' | 'metadata'>): Cause {
  return { correlationId: correlationIdIn(event.metadata) ?? event.id, causationId: event.id };
}

function correlationIdIn(metadata: Uint8Array): string | undefined {
  if (metadata.length === 0) return undefined;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(metadata));
    const id: unknown =
      typeof parsed === 'object' && parsed !== null ? Reflect.get(parsed, '$correlationId') : undefined;
    return typeof id === 'string' ? id : undefined;
  } catch {
    return undefined; // Metadata may be anything; only JSON can carry ids.
  }
}
