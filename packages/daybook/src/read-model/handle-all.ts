import type { CompiledQuery, ConnectionProvider, DatabaseConnection, QueryResult, Transaction } from 'kysely';

import type { DecodedEvent } from '../store/event-source.ts';
import { callHandler, statementsEnded, type Statements } from './call-handler.ts';
import { transactionsOf } from './handler-transaction.ts';
import { ModelPlugin } from './model-plugin.ts';
import type { Projecting } from './project.ts';
import type { UntypedTables } from './read-model.ts';
import { Watchdog } from './watchdog.ts';

/** Calls the handlers one after the other. `plugin` tells afterwards what they did. */
export async function handleAll(
  tx: Transaction<UntypedTables>,
  events: readonly { readonly event: DecodedEvent }[],
  { model, naming, clock }: Pick<Projecting, 'model' | 'naming' | 'clock'>,
  { plugin = new ModelPlugin(model, naming), watchdog = new Watchdog(model, clock) }: HandleAllOptions = {},
): Promise<void> {
  const gate = new Gate(tx.getExecutor());
  const watched = transactionsOf(tx)({ connections: gate, plugin });
  const handleEach = async (): Promise<void> => {
    for (const { event } of events) {
      watchdog.begin(event);
      plugin.at(event.position);
      gate.begin();
      await callHandler(model, event, { tx: watched, statements: gate });
    }
  };
  try {
    await watchdog.watch(handleEach());
  } catch (error) {
    await gate.shut(error);
    throw error;
  }
  await gate.shut(statementsEnded(model));
}

interface HandleAllOptions {
  readonly plugin?: ModelPlugin;
  readonly watchdog?: Watchdog;
}

/**
 * The way of handlers to the database. It is shut before their transaction ends: of statements that were sent together
 * Kysely keeps the later ones back, and when the first has failed it would run them after the rollback, for good.
 */
class Gate implements ConnectionProvider, Statements {
  readonly #connections: ConnectionProvider;
  #refusal: unknown;
  #failure: unknown;
  #running: Promise<unknown> | undefined;

  constructor(connections: ConnectionProvider) {
    this.#connections = connections;
  }

  /** The next handler is called. */
  begin(): void {
    this.#failure = undefined;
  }

  get failure(): unknown {
    return this.#failure;
  }

  /** From now on every statement fails. Waits for the one under way. */
  async shut(reason: unknown): Promise<void> {
    this.#refusal = reason;
    await this.#running?.catch(() => {}); // Whoever sent it knows.
  }

  async provideConnection<Result>(consumer: (connection: DatabaseConnection) => Promise<Result>): Promise<Result> {
    this.mustBeOpen(); // Kysely would only say that the transaction is over.
    return this.#connections.provideConnection((connection) => consumer(new GatedConnection(this, connection)));
  }

  async execute<Row>(connection: DatabaseConnection, query: CompiledQuery): Promise<QueryResult<Row>> {
    this.mustBeOpen();
    try {
      const running = connection.executeQuery<Row>(query);
      this.#running = running;
      return await running;
    } catch (error) {
      this.#failure = error;
      throw error;
    }
  }

  mustBeOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }
}

class GatedConnection implements DatabaseConnection {
  readonly #gate: Gate;
  readonly #connection: DatabaseConnection;

  constructor(gate: Gate, connection: DatabaseConnection) {
    this.#gate = gate;
    this.#connection = connection;
  }

  executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    return this.#gate.execute<Row>(this.#connection, query);
  }

  async *streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    this.#gate.mustBeOpen();
    yield* this.#connection.streamQuery<Row>(query, chunkSize);
  }
}
