import type { Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import { ProjectingFailed, UnsupportedStatement } from './errors.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/**
 * Calls the handler that waits for an event, and waits until it is done.
 *
 * @throws ProjectingFailed when it throws. It names the event.
 */
export async function callHandler(
  model: ReadModel,
  event: DecodedEvent,
  tx: Transaction<UntypedTables>,
): Promise<void> {
  try {
    const result: unknown = await model.on[event.type]?.(event, tx);
    if (isQuery(result)) {
      throw new UnsupportedStatement(
        model.name,
        `the handler of ${event.type} returns a query that it did not execute`,
      );
    }
  } catch (cause) {
    throw new ProjectingFailed(model.name, event, cause);
  }
}

function isQuery(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'execute' in result && typeof result.execute === 'function';
}
