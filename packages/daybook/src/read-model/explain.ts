import type { Kysely } from 'kysely';

import type { EventStore } from '../store/event-store.ts';
import type { Position } from '../store/position.ts';
import { classify } from './classify.ts';
import type { Difference } from './compare.ts';
import type { Drift } from './drift.ts';
import type { Steps } from './job.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { keyText } from './rows.ts';
import { traceRows, watchedName } from './trace.ts';
import { Stages } from './try-stories.ts';

/** What is to be explained, and up to which event it was compared. */
export interface ExplainOptions {
  readonly db: Kysely<UntypedTables>;
  readonly differences: readonly Difference[];
  readonly upTo: Position;
  /** The tables were built by other code. */
  readonly isCodeChanged: boolean;
  readonly signal: AbortSignal | undefined;
  readonly now: () => number;
}

/** Says of each row how it came to differ, and since which event. Folds the log once more, if there is any. */
export async function* explain(store: EventStore, model: ReadModel, options: ExplainOptions): Steps<readonly Drift[]> {
  const { db, differences, isCodeChanged } = options;
  if (differences.length === 0) return [];
  const histories = yield* traceRows(store, model, { ...options, rows: differences });
  await using stages = new Stages(db, model);
  const drift: Drift[] = [];
  for (const difference of differences) {
    const traced = histories.get(nameOf(model, difference)) ?? [];
    // Those that came after the row was compared are not in it.
    const history = traced.filter(({ event }) => event.position <= difference.at);
    drift.push(await classify(difference, { stages, model, history, isCodeChanged }));
  }
  return drift;
}

/** The name of a row that differs, among the rows of all tables. */
export function nameOf(model: ReadModel, { table, key }: Pick<Difference, 'table' | 'key'>): string {
  return watchedName(table, keyText(key, model.tables[table] ?? { key: [] }));
}

/** A difference that nobody looked into. */
export function unexplained({ table, key, columns }: Difference): Drift {
  return { table, key, columns, class: 'unexplained', since: undefined };
}
