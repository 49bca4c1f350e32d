import type { RecordedEvent } from '../store/event.ts';
import { jsonMetadata } from '../store/json-event.ts';
import { UpcastFailed } from './errors.ts';

/**
 * From an old shape of an event's data to the next one. Pure. It is asked about data that are new already when somebody
 * else than Daybook wrote them: then it gives them back as they are.
 */
export type Upcast = (data: never) => unknown;

/** In the metadata of an event: how many steps its data were ahead when it was written. */
export const schemaVersionKey = '$schemaVersion';

/** The data of an event in today's shape: the steps that were declared since it was written, one after the other. */
export function upcast(event: RecordedEvent, data: unknown, steps: readonly Upcast[]): unknown {
  let shaped = data;
  for (let step = versionOf(event); step < steps.length; step += 1) {
    try {
      shaped = steps[step]!(shaped as never); // Within the steps. What a step takes is what the one before gives.
    } catch (cause) {
      throw new UpcastFailed(event, step, { cause });
    }
  }
  return shaped;
}

/** The step to begin with. */
function versionOf(event: RecordedEvent): number {
  if (event.metadata.length === 0) return 0;
  try {
    const metadata: unknown = jsonMetadata(event);
    const version: unknown =
      typeof metadata === 'object' && metadata !== null ? Reflect.get(metadata, schemaVersionKey) : undefined;
    return typeof version === 'number' && Number.isSafeInteger(version) && version > 0 ? version : 0;
  } catch {
    return 0; // Metadata may be anything; only JSON says a version.
  }
}
