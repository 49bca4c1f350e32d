import type { EventStore } from '../store/event-store.ts';
import { revision } from '../store/position.ts';
import type { Checkpoint, Place } from './checkpoint.ts';
import { CheckpointAheadOfLog, CheckpointMismatch, CheckpointOfOtherLog } from './errors.ts';
import { checkpointStreamOf } from './names.ts';

/**
 * Throws unless a checkpoint fits the log: it is of this log and of its present epoch, its source goes so far, and the
 * event that it names stands where it says. An event whose bytes were scavenged cannot be compared.
 *
 * @throws CheckpointOfOtherLog, CheckpointAheadOfLog, CheckpointMismatch
 */
export async function checkCheckpoint(store: EventStore, place: Place, checkpoint: Checkpoint): Promise<void> {
  const { source, consumer } = place;
  const { pos, eventId } = checkpoint;
  const unfit = { source, pos, checkpointStream: checkpointStreamOf(source, consumer) };
  const { logId, epoch } = await store.head();
  if (checkpoint.logId !== undefined && logId !== undefined && checkpoint.logId !== logId) {
    throw new CheckpointOfOtherLog(unfit, `it was made on log ${checkpoint.logId}, and this is ${logId}`);
  }
  if (checkpoint.epoch !== undefined && epoch !== undefined && checkpoint.epoch !== epoch) {
    throw new CheckpointOfOtherLog(
      unfit,
      `it was made in epoch ${checkpoint.epoch}, and this is epoch ${epoch}: the log was restored`,
    );
  }
  if (pos < 0n) return;
  const state = await store.streamState(source);
  const end = state.revision ?? -1n;
  if (pos > end) throw new CheckpointAheadOfLog(unfit, end);
  if (eventId === undefined) return;
  for await (const event of store.readStream(source, { from: revision(pos), limit: 1 })) {
    const isThere = (event.link?.revision ?? event.revision) === pos;
    if (isThere && event.id !== eventId) throw new CheckpointMismatch(unfit, eventId, event.id);
  }
}
