import { createHash, randomUUID } from 'node:crypto';

import type { NewEvent, RecordedEvent } from 'daybook';

/** The type of the events that a torture appends. */
const type = 'Survived';

/** An event whose data follow from its id, so that any altered byte is seen. */
export function tortureEvent(): NewEvent {
  const id = randomUUID();
  return { id, type, data: dataOf(id) };
}

/** Whether an event is what was appended. */
export function isWhole(event: RecordedEvent): boolean {
  return event.type === type && Buffer.compare(event.data, dataOf(event.id)) === 0;
}

/** From 32 to some 4,000 bytes, as the id decides. */
function dataOf(id: string): Uint8Array {
  const block = createHash('sha256').update(id).digest();
  return Buffer.concat(Array.from({ length: 1 + ((block[0] ?? 0) % 128) }, () => block));
}
