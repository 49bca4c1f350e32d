import type { Reason } from '../consumer/control.ts';
import { opsStreamOf } from '../consumer/names.ts';
import type { EventStore } from '../store/event-store.ts';
import { jsonEvent } from '../store/json-event.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { ReadModel } from './read-model.ts';

/** The stream in which everything is kept that people did to a read model. */
export function opsStream(model: ReadModel): StreamName {
  return opsStreamOf(model.name);
}

/** What is kept. */
export type OpsEvent = 'ReadModelRepaired' | 'ReadModelRebuilt' | 'ReadModelSwitchedBack' | 'ReadModelAdopted';

/** Keeps in the log that something was done. */
export async function record(
  store: EventStore,
  model: ReadModel,
  { type, reason, facts }: { readonly type: OpsEvent; readonly reason: Reason; readonly facts: object },
): Promise<void> {
  const data = { model: model.name, ...reason, ...facts };
  const event = jsonEvent({ type, data: withoutBigints(data) });
  await store.append(opsStream(model), [event], { expected: 'any' });
}

/** Data as JSON can hold them: whole numbers of any size as text. */
export function withoutBigints(data: object): unknown {
  return JSON.parse(
    JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
  );
}
