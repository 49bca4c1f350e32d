import type { RecordedEvent } from 'daybook';

import type { EventName, Said, Told } from '../plan.ts';

/** Tells the game day something, and goes on when it is on its way. */
export async function tell(said: Said): Promise<void> {
  await new Promise<void>((resolve) => {
    process.send?.(said, undefined, undefined, () => resolve());
  });
}

/** Does what the game day says until it says that it is over. `reach` handles everything that is in the log. */
export async function follow(reach: () => Promise<Said>): Promise<void> {
  await tell({ kind: 'ready' });
  for await (const told of orders()) {
    if (told === 'end') return;
    if (told === 'stop') stopAsAWhole();
    // Not waited for: it may be told to end before it gets there.
    else void reach().then(tell, (error: unknown) => tell(failure(error)));
  }
}

/** Says so and stops in the same turn: what is said has left, and nothing else is done before the process is waked. */
function stopAsAWhole(): void {
  process.send?.({ kind: 'stopping' } satisfies Said);
  process.kill(process.pid, 'SIGSTOP');
}

/** An error as it is told. */
export function failure(error: unknown): Said {
  const { code, event }: { readonly code?: unknown; readonly event?: unknown } = Object(error);
  return {
    kind: 'failed',
    code: typeof code === 'string' ? code : 'unknown',
    message: error instanceof Error ? error.message : String(error),
    event: eventIn(event),
  };
}

/** The event that an error names, if it does. */
export function eventIn(event: unknown): EventName | undefined {
  const { type, stream, revision }: { type?: unknown; stream?: unknown; revision?: unknown } = Object(event);
  if (typeof type !== 'string' || typeof stream !== 'string') return undefined;
  return { type, stream, revision: String(revision) };
}

/** What the game day tells this process, one after the other. Ends with the game day. */
async function* orders(): AsyncGenerator<Told, void, undefined> {
  const waiting: Told[] = [];
  let isOver = false;
  let wake = Promise.withResolvers<void>();
  process.on('message', (told: Told) => {
    waiting.push(told);
    wake.resolve();
  });
  process.once('disconnect', () => {
    isOver = true;
    wake.resolve();
  });
  for (;;) {
    const next = waiting.shift();
    if (next !== undefined) {
      yield next;
      continue;
    }
    if (isOver) return;
    await wake.promise;
    wake = Promise.withResolvers();
  }
}

/** An event, as people write it. */
export function nameOf({ type, stream, revision }: Pick<RecordedEvent, 'type' | 'stream' | 'revision'>): EventName {
  return { type, stream, revision: String(revision) };
}
