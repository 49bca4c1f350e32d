import { fieldsOf, textIn } from '../consumer/journal.ts';
import type { EventStore } from '../store/event-store.ts';
import { ReadModelSuperseded } from './errors.ts';
import type { ReadModel } from './read-model.ts';
import { opsStream } from './record.ts';

/** What people and versions did to a read model is looked at so far back. */
const lookedBack = 1_000;

/**
 * Refuses a rebuild that would undo one: when these tables, or others after them, were put in the place of those of this
 * code, and nobody has put its own back since. Else two versions that run side by side would rebuild in turns, at each
 * failover.
 *
 * @throws ReadModelSuperseded
 */
export async function refuseSuperseded(store: EventStore, model: ReadModel): Promise<void> {
  const read = store.readStream(opsStream(model), { direction: 'backwards', limit: lookedBack });
  for await (const event of read) {
    const fields = fieldsOf(event);
    const code = textIn(fields, 'code');
    if (code === model.code) return;
    if (textIn(fields, 'replaced') === model.code) throw new ReadModelSuperseded(model, code ?? '', event.created);
  }
}
