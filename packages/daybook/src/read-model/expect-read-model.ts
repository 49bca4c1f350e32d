import type { Kysely } from 'kysely';

import { systemClock, type Clock } from '../consumer/clock.ts';
import { errorText } from '../consumer/failures.ts';
import type { DatabaseAnswer } from '../consumer/watch/database-answer.ts';
import type { ExpectedConsumer } from '../consumer/watch/look-at-consumers.ts';
import type { StreamName } from '../store/stream-name.ts';
import { booksOf, findNumbers } from './bookkeeping.ts';
import { endedWithin } from './ended-within.ts';
import type { ReadModel } from './read-model.ts';

export interface ExpectOptions<Tables> {
  /** Where its tables are; or how that is opened: then it is opened for each question, and destroyed after it. */
  readonly db: Kysely<Tables> | (() => Kysely<Tables> | Promise<Kysely<Tables>>);
  /** The database may take so long to answer. Default: 5,000. */
  readonly answerMs?: number | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * A read model as a watch expects it: it has to be there, and how far it is says its database, asked at each look with
 * one short query. Whatever its heartbeat says then convinces nobody. A database that is away, or does not answer, is
 * something to tell of, and holds nothing up.
 *
 * ```ts
 * watchConsumers(store, { expect: [expectReadModel(shipments, { db })] });
 * ```
 */
export function expectReadModel<Tables>(model: ReadModel, options: ExpectOptions<Tables>): ExpectedConsumer {
  const question = new Question(model.name, options);
  return {
    name: model.name,
    sources: model.sources.map(({ stream }) => ({ stream: stream as StreamName })), // It was checked when it was defined.
    askDatabase: () => question.ask(),
  };
}

/** A question that nobody has answered for so long is asked again. */
const askAgainMs = 60_000;

/** The question how far a read model is, and what the answers were. */
class Question<Tables> {
  readonly #model: string;
  readonly #db: ExpectOptions<Tables>['db'];
  readonly #answerMs: number;
  readonly #clock: Clock;
  #asked: { readonly sinceMs: number; readonly answer: Promise<ReadonlyMap<string, bigint>> } | undefined;
  #last: { readonly text: string; readonly sinceMs: number; readonly hasChanged: boolean } | undefined;
  #awaySinceMs: number | undefined;

  constructor(model: string, { db, answerMs = 5_000, clock = systemClock }: ExpectOptions<Tables>) {
    this.#model = model;
    this.#db = db;
    this.#answerMs = answerMs;
    this.#clock = clock;
  }

  async ask(): Promise<DatabaseAnswer> {
    const askedMs = this.#clock.now();
    try {
      const numbers = await this.#answer();
      this.#awaySinceMs = undefined;
      const text = [...numbers].join(' ');
      if (text !== this.#last?.text) this.#last = { text, sinceMs: askedMs, hasChanged: this.#last !== undefined };
      const { sinceMs, hasChanged } = this.#last;
      return { numbers, sinceMs, hasChanged };
    } catch (error) {
      this.#awaySinceMs ??= askedMs;
      return { error: errorText(error), sinceMs: this.#awaySinceMs };
    }
  }

  async #answer(): Promise<ReadonlyMap<string, bigint>> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#asked !== undefined && nowMs - this.#asked.sinceMs < askAgainMs)
      throw silence(nowMs - this.#asked.sinceMs);
    const asked = { sinceMs: nowMs, answer: this.#read() };
    this.#asked = asked;
    const forget = (): void => {
      if (this.#asked === asked) this.#asked = undefined;
    };
    asked.answer.then(forget, forget);
    if (!(await endedWithin(this.#answerMs, asked.answer, this.#clock))) throw silence(this.#answerMs);
    return asked.answer;
  }

  async #read(): Promise<ReadonlyMap<string, bigint>> {
    if (typeof this.#db !== 'function') return this.#numbersIn(this.#db);
    const db = await this.#db();
    try {
      return await this.#numbersIn(db);
    } finally {
      db.destroy().catch(() => {}); // What was asked is answered, or never will be.
    }
  }

  async #numbersIn(db: Kysely<Tables>): Promise<ReadonlyMap<string, bigint>> {
    try {
      return await findNumbers(booksOf(db), this.#model);
    } catch (error) {
      if (isMissingTable(error)) return new Map(); // No read model has ever run there.
      throw error;
    }
  }
}

function silence(ms: number): Error {
  return new Error(`It has not answered for ${Math.round(ms)} ms.`);
}

function isMissingTable(error: unknown): boolean {
  return (
    error instanceof Error && (Reflect.get(error, 'code') === '42P01' || error.message.startsWith('no such table: '))
  );
}
