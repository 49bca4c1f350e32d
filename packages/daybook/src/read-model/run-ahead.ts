import type { DatabaseConnection, Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import { callHandler, statementsEnded } from './call-handler.ts';
import { handleAll } from './handle-all.ts';
import { transactionsOf } from './handler-transaction.ts';
import { Line, Overtaken, type Lane, type PipelinedConnection } from './line.ts';
import { ModelPlugin } from './model-plugin.ts';
import type { Projecting } from './project.ts';
import type { UntypedTables } from './read-model.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * How many statements the handlers of each type have made so far. Once a handler has made as many, the next event's
 * is called, though the answers are still on their way: most handlers do nothing more.
 */
export class Foresight {
  readonly #most = new Map<string, number>();

  /** After so many statements an event is taken to be done. Infinity: only when its handler says so. */
  statementsOf(type: string): number {
    return this.#most.get(type) ?? Infinity;
  }

  saw(type: string, statements: number): void {
    if (statements > (this.#most.get(type) ?? -1)) this.#most.set(type, statements);
  }

  /** It made more statements than before, when the next event's had already been sent. */
  distrust(type: string): void {
    this.#most.set(type, Infinity);
  }
}

/**
 * Calls the handlers in the order of the log, and does not wait for the answer to what is probably the last statement of
 * one before it calls the next. What the database gets is what it would get from `handleAll`, statement by statement.
 * A connection that takes only one statement at a time gets them by `handleAll`.
 *
 * @throws Overtaken when a handler made more statements than expected. The transaction must not be committed.
 */
export async function handleAhead(
  tx: Transaction<UntypedTables>,
  events: readonly { readonly event: DecodedEvent }[],
  projecting: Watched,
): Promise<void> {
  const isDone = await sendAhead(tx, events, projecting);
  const { plugin, watchdog } = projecting;
  if (!isDone) await handleAll(tx, events, projecting, { watchdog, ...(plugin && { plugin }) });
}

/** Asks the database something after the event with this place among those given. Nothing waits for the answer. */
export type Question = (
  index: number,
  tx: Transaction<UntypedTables>,
) => {
  /** So many statements it takes. */
  readonly statements: number;
  readonly answered: Promise<void>;
};

/**
 * The same, with a question after each event. Gives `false`, and does nothing, when the connection takes only one
 * statement at a time.
 *
 * @throws Overtaken as `handleAhead` does.
 */
export async function sendAhead(
  tx: Transaction<UntypedTables>,
  events: Calling['events'],
  projecting: Watched,
  question?: Question,
): Promise<boolean> {
  // While it is held here, nothing else is sent on it.
  return tx.getExecutor().provideConnection(async (connection) => {
    if (!isPipelined(connection)) return false;
    const { watchdog, model } = projecting;
    const line = new Line(connection, watchdog);
    try {
      await watchdog.watch(callAll(line, { tx, events, projecting, question }));
    } catch (error) {
      // Handlers may come back while the connection belongs to somebody else.
      line.refuse(error);
      throw error;
    }
    line.refuse(statementsEnded(model));
    return true;
  });
}

type Handling = Pick<Projecting, 'model' | 'naming' | 'clock' | 'foresight'>;
type Watched = Handling & {
  readonly watchdog: Watchdog;
  /** Tells afterwards what the handlers did. */
  readonly plugin?: ModelPlugin;
};

interface Calling {
  readonly tx: Transaction<UntypedTables>;
  readonly events: readonly { readonly event: DecodedEvent }[];
  readonly projecting: Watched;
  readonly question: Question | undefined;
}

async function callAll(line: Line, { tx, events, projecting, question }: Calling): Promise<void> {
  const { model, naming, foresight, plugin = new ModelPlugin(model, naming) } = projecting;
  const transaction = transactionsOf(tx);
  const outcomes: Promise<void>[] = [];
  const begun = (outcome: Promise<void>): void => {
    outcome.catch(() => {}); // It is looked at below.
    outcomes.push(outcome);
  };
  for (const [index, { event }] of events.entries()) {
    await line.room();
    if (line.isBroken) break;
    const lane = line.begin(event);
    const watched = transaction({ connections: lane, plugin: plugin.another(event.position) });
    begun(handle(lane, watched, projecting));
    await lane.until(foresight.statementsOf(event.type));
    if (question === undefined || line.isBroken) continue;
    const asking = line.begin(event);
    const { statements, answered } = question(index, transaction({ connections: asking, plugin }));
    begun(settled(asking, () => answered));
    await asking.until(statements);
  }
  await allDone(line, outcomes).catch((error: unknown) => {
    if (line.overtaken === undefined) throw error;
  });
  if (line.overtaken === undefined) return;
  foresight.distrust(line.overtaken);
  throw new Overtaken(line.overtaken);
}

/** In the order of the log: those after one that failed fail because of it, or may never end. */
async function allDone(line: Line, outcomes: readonly Promise<void>[]): Promise<void> {
  for (const outcome of outcomes) {
    await outcome;
    if (line.overtaken !== undefined) return;
  }
}

async function handle(lane: Lane, tx: Transaction<UntypedTables>, projecting: Handling): Promise<void> {
  const { event } = lane;
  await settled(lane, async () => {
    await callHandler(projecting.model, event, { tx, statements: lane });
    projecting.foresight.saw(event.type, lane.statements);
  });
}

/** Does what uses a lane, which is free then. */
async function settled(lane: Lane, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    lane.break();
    throw error;
  } finally {
    lane.settle();
  }
}

function isPipelined(connection: DatabaseConnection): connection is PipelinedConnection {
  return 'inFlightAtMost' in connection && typeof connection.inFlightAtMost === 'number';
}
