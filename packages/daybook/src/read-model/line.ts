import type { CompiledQuery, ConnectionProvider, DatabaseConnection, QueryResult } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import type { Statements } from './call-handler.ts';
import type { Watchdog } from './watchdog.ts';

/** A connection that takes statements while others before them are not answered yet, and keeps their order. */
export interface PipelinedConnection extends DatabaseConnection {
  /** So many statements may be unanswered. */
  readonly inFlightAtMost: number;
}

/** An event's statement would have come after one of a later event: what was done must be undone, and done in order. */
export class Overtaken extends Error {}

/** The way to the database that the events of one batch share. */
export class Line {
  readonly #connection: PipelinedConnection;
  /** The last event that has made a statement. */
  #latest = -1;
  #inFlight = 0;
  #waiting: PromiseWithResolvers<void> | undefined;
  #isBroken = false;
  #refusal: unknown;
  #overtaken: string | undefined;
  readonly #watchdog: Watchdog;
  /** Of the events whose handlers were called, and the first of them that is not done. */
  readonly #lanes: Lane[] = [];
  #first = 0;

  constructor(connection: PipelinedConnection, watchdog: Watchdog) {
    this.#connection = connection;
    this.#watchdog = watchdog;
  }

  /** The handler of the next event is called now. Of all that are under way, the first is watched. */
  begin(event: DecodedEvent): Lane {
    const lane = new Lane(this, event, this.#lanes.length);
    this.#lanes.push(lane);
    if (this.#lanes[this.#first] === lane) this.#watchdog.begin(event);
    return lane;
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
    this.#lanes.at(-1)?.wake();
  }

  /** From now on every statement of all handlers fails. */
  refuse(reason: unknown): void {
    this.#refusal = reason;
    this.break();
  }

  async send<Row>(lane: Lane, query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#mustBeInTurn(lane);
    this.#inFlight += 1;
    try {
      return await this.#connection.executeQuery<Row>(query);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight <= this.#connection.inFlightAtMost / 2) this.#waiting?.resolve();
    }
  }

  async *stream<Row>(lane: Lane, query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    this.#mustBeInTurn(lane);
    yield* this.#connection.streamQuery<Row>(query, chunkSize);
  }

  /** Waits while too many statements are unanswered, until half of them are: so they travel many at a time. */
  async room(): Promise<void> {
    if (this.#inFlight < this.#connection.inFlightAtMost) return;
    this.#waiting = Promise.withResolvers();
    await this.#waiting.promise;
    this.#waiting = undefined;
  }

  #mustBeInTurn({ index, event: { type } }: Lane): void {
    if (this.#refusal !== undefined) throw this.#refusal;
    if (index < this.#latest || this.#overtaken !== undefined) {
      this.#overtaken ??= type;
      this.break();
      throw new Overtaken(type); // A handler that catches it changes nothing: the line remembers.
    }
    this.#latest = index;
  }
}

/** What the handler of one event sees as its connection. */
export class Lane implements DatabaseConnection, ConnectionProvider, Statements {
  readonly event: DecodedEvent;
  /** Its place in the batch. */
  readonly index: number;
  readonly #line: Line;
  #statements = 0;
  #isSettled = false;
  #failure: unknown;
  #until: { readonly statements: number; readonly reached: PromiseWithResolvers<void> } | undefined;

  constructor(line: Line, event: DecodedEvent, index: number) {
    this.#line = line;
    this.event = event;
    this.index = index;
  }

  get isSettled(): boolean {
    return this.#isSettled;
  }

  get statements(): number {
    return this.#statements;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** Waits until so many statements are on their way, or the handler is done, or another one has failed. */
  async until(statements: number): Promise<void> {
    if (this.#isSettled || this.#statements >= statements || this.#line.isBroken) return;
    const reached = Promise.withResolvers<void>();
    this.#until = { statements, reached };
    await reached.promise;
  }

  /** Ends the waiting. */
  wake(): void {
    this.#until?.reached.resolve();
  }

  /** Its handler has failed. */
  break(): void {
    this.#line.break();
  }

  settle(): void {
    this.#isSettled = true;
    this.wake();
    this.#line.end(this);
  }

  provideConnection<Result>(consumer: (connection: DatabaseConnection) => Promise<Result>): Promise<Result> {
    return consumer(this);
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    this.#statements += 1;
    const sent = this.#line.send<Row>(this, query);
    if (this.#until !== undefined && this.#statements >= this.#until.statements) this.wake();
    try {
      return await sent;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    this.#statements += 1;
    return this.#line.stream<Row>(this, query, chunkSize);
  }
}
