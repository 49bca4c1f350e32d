import { sql, type Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import { ProjectingFailed, UnsupportedStatement } from './errors.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';

/** What became of the statements of a handler. */
export interface Statements {
  /** Why one of them failed, even when its handler went on. */
  readonly failure: unknown;
}

/**
 * Calls the handler that waits for an event, and waits until it is done.
 *
 * @throws ProjectingFailed when it throws, or leaves a transaction that can do no more. It names the event.
 */
export async function callHandler(
  model: ReadModel,
  event: DecodedEvent,
  { tx, statements }: { readonly tx: Transaction<UntypedTables>; readonly statements: Statements },
): Promise<void> {
  try {
    const result: unknown = await model.on[event.type]?.(event, tx);
    if (isQuery(result)) {
      throw new UnsupportedStatement(
        model.name,
        `the handler of ${event.type} returns a query that it did not execute`,
      );
    }
    if (statements.failure !== undefined) await mustGoOn(tx, statements.failure);
  } catch (cause) {
    throw new ProjectingFailed(model.name, event, cause);
  }
}

/** Why a statement is refused when the handlers of its transaction have returned. */
export function statementsEnded(model: ReadModel): Error {
  return new UnsupportedStatement(
    model.name,
    'a handler sends it after it has returned: it must await all that it does',
  );
}

/**
 * PostgreSQL refuses all that follows a statement that failed, unless a savepoint was set: then the next handler would
 * be blamed, or nobody, because at the commit it does not say why there is nothing.
 */
async function mustGoOn(tx: Transaction<UntypedTables>, failure: unknown): Promise<void> {
  try {
    await sql`SELECT 1`.execute(tx);
  } catch {
    throw failure;
  }
}

function isQuery(result: unknown): boolean {
  return typeof result === 'object' && result !== null && 'execute' in result && typeof result.execute === 'function';
}
