import {
  DummyDriver,
  Transaction,
  type CompiledQuery,
  type ConnectionProvider,
  type DatabaseConnection,
  type Dialect,
  type KyselyProps,
  type QueryResult,
} from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import { callHandler } from './call-handler.ts';
import { ModelPlugin } from './model-plugin.ts';
import type { DecodedSourced, Projecting } from './project.ts';
import type { UntypedTables } from './read-model.ts';
import type { Watchdog } from './watchdog.ts';

/** A connection that takes statements while others before them are not answered yet, and keeps their order. */
export interface PipelinedConnection extends DatabaseConnection {
  /** So many statements may be unanswered. */
  readonly inFlightAtMost: number;
}

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

/** An event's statement would have come after one of a later event: what was done must be undone, and done in order. */
export class Overtaken extends Error {}

/**
 * Calls the handlers in the order of the log, and does not wait for the answer to what is probably the last statement of
 * one before it calls the next. What the database gets is what it would get from `handleAll`, statement by statement.
 * Gives `false`, and does nothing, when the connection takes only one statement at a time.
 *
 * @throws Overtaken when a handler made more statements than expected. The transaction must not be committed.
 */
export async function handleAhead(
  tx: Transaction<UntypedTables>,
  events: readonly DecodedSourced[],
  projecting: Watched,
): Promise<boolean> {
  // While it is held here, nothing else is sent on it.
  return tx.getExecutor().provideConnection(async (connection) => {
    if (!isPipelined(connection)) return false;
    const { watchdog } = projecting;
    const line = new Line(connection, watchdog);
    try {
      await watchdog.watch(callAll(line, { tx, events, projecting }));
    } finally {
      // A handler that was given up may come back while the connection belongs to somebody else.
      if (watchdog.failure !== undefined) line.refuse(watchdog.failure);
    }
    return true;
  });
}

type Watched = Projecting & { readonly watchdog: Watchdog };

interface Calling {
  readonly tx: Transaction<UntypedTables>;
  readonly events: readonly DecodedSourced[];
  readonly projecting: Watched;
}

async function callAll(line: Line, { tx, events, projecting }: Calling): Promise<void> {
  const { model, naming, foresight } = projecting;
  const first = new ModelPlugin(model, naming);
  const parts = partsOf(tx);
  const outcomes: Promise<void>[] = [];
  for (const [index, { event }] of events.entries()) {
    await line.room();
    if (line.isBroken) break;
    const lane = new Lane(line, { index, event, plugin: first.another(event.position) });
    line.begin(lane);
    const executor = parts.executor.withConnectionProvider(lane).withPlugin(lane.plugin);
    const watched = new Transaction<UntypedTables>({ ...parts, executor });
    const outcome = handle(lane, { event, watched, projecting });
    outcome.catch(() => {}); // It is looked at below.
    outcomes.push(outcome);
    await lane.until(foresight.statementsOf(event.type));
  }
  const settled = await Promise.allSettled(outcomes);
  if (line.overtaken !== undefined) {
    foresight.distrust(line.overtaken);
    throw new Overtaken(line.overtaken);
  }
  const failure = settled.find(({ status }) => status === 'rejected'); // Those after it fail because it has failed.
  if (failure?.status === 'rejected') throw failure.reason;
}

async function handle(
  lane: Lane,
  part: { readonly event: DecodedEvent; readonly watched: Transaction<UntypedTables>; readonly projecting: Projecting },
): Promise<void> {
  const { event, watched, projecting } = part;
  try {
    await callHandler(projecting.model, event, watched);
    projecting.foresight.saw(event.type, lane.statements);
  } catch (error) {
    lane.break();
    throw error;
  } finally {
    lane.settle();
  }
}

/** The way to the database that the events of one batch share. */
class Line {
  readonly #connection: PipelinedConnection;
  /** The last event that has made a statement. */
  #latest = -1;
  #inFlight = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #isBroken = false;
  #overtaken: string | undefined;
  readonly #watchdog: Watchdog;
  /** Of the events whose handlers were called, and the first of them that is not done. */
  readonly #lanes: Lane[] = [];
  #first = 0;

  constructor(connection: PipelinedConnection, watchdog: Watchdog) {
    this.#connection = connection;
    this.#watchdog = watchdog;
  }

  /** The handler of an event is called now. Of all that are under way, the first is watched. */
  begin(lane: Lane): void {
    this.#lanes.push(lane);
    if (this.#lanes[this.#first] === lane) this.#watchdog.begin(lane.event);
  }

  /** A handler is done. */
  end(lane: Lane): void {
    if (this.#lanes[this.#first] !== lane) return;
    while (this.#lanes[this.#first]?.isSettled === true) this.#first += 1;
    const next = this.#lanes[this.#first];
    if (next !== undefined) this.#watchdog.begin(next.event);
  }

  /** Something failed: no more handlers are called. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The type of the event that made a statement after one of a later event. */
  get overtaken(): string | undefined {
    return this.#overtaken;
  }

  break(): void {
    this.#isBroken = true;
  }

  /** From now on every statement of all handlers fails. */
  refuse(error: Error): void {
    this.#isBroken = true;
    for (const { plugin } of this.#lanes) plugin.refuse(error);
  }

  async send<Row>({ index, event: { type } }: Lane, query: CompiledQuery): Promise<QueryResult<Row>> {
    if (index < this.#latest || this.#overtaken !== undefined) {
      this.#isBroken = true;
      this.#overtaken ??= type;
      throw new Overtaken(type); // A handler that catches it changes nothing: the line remembers.
    }
    this.#latest = index;
    this.#inFlight += 1;
    try {
      return await this.#connection.executeQuery<Row>(query);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight <= this.#connection.inFlightAtMost / 2) this.#waiting?.resolve();
    }
  }

  /** Waits while too many statements are unanswered, until half of them are: so they travel many at a time. */
  async room(): Promise<void> {
    if (this.#inFlight < this.#connection.inFlightAtMost) return;
    this.#waiting = Promise.withResolvers();
    await this.#waiting.promise;
    this.#waiting = undefined;
  }
}

/** What the handler of one event sees as its connection. */
class Lane implements DatabaseConnection, ConnectionProvider {
  readonly index: number;
  readonly event: DecodedEvent;
  readonly plugin: ModelPlugin;
  readonly #line: Line;
  #statements = 0;
  #isSettled = false;
  #until: { readonly statements: number; readonly reached: PromiseWithResolvers<void> } | undefined;

  constructor(
    line: Line,
    facts: { readonly index: number; readonly event: DecodedEvent; readonly plugin: ModelPlugin },
  ) {
    this.#line = line;
    this.index = facts.index;
    this.event = facts.event;
    this.plugin = facts.plugin;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get statements(): number {
    return this.#statements;
  }

  /** Waits until so many statements are on their way, or the handler is done. */
  async until(statements: number): Promise<void> {
    if (this.#isSettled || this.#statements >= statements) return;
    const reached = Promise.withResolvers<void>();
    this.#until = { statements, reached };
    await reached.promise;
  }

  /** Its handler has failed. */
  break(): void {
    this.#line.break();
  }

  settle(): void {
    this.#isSettled = true;
    this.#until?.reached.resolve();
    this.#line.end(this);
  }

  provideConnection<Result>(consumer: (connection: DatabaseConnection) => Promise<Result>): Promise<Result> {
    return consumer(this);
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#statements += 1;
    const sent = this.#line.send<Row>(this, query);
    if (this.#until !== undefined && this.#statements >= this.#until.statements) this.#until.reached.resolve();
    return sent;
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query); // Rows cannot come a few at a time while other statements wait behind.
  }
}

function isPipelined(connection: DatabaseConnection): connection is PipelinedConnection {
  return 'inFlightAtMost' in connection && typeof connection.inFlightAtMost === 'number';
}

/** What the same transaction is made of again, for each event with a way to the database of its own. */
function partsOf(tx: Transaction<UntypedTables>): KyselyProps {
  const executor = tx.getExecutor();
  const dialect: Dialect = {
    createAdapter: () => executor.adapter,
    createDriver: () => new DummyDriver(), // Statements go through the executor; a transaction begins no other.
    createIntrospector: () => tx.introspection,
    createQueryCompiler: () => executor,
  };
  return { executor, dialect, driver: dialect.createDriver(), config: { dialect } };
}
