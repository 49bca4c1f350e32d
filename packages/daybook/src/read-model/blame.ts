import { InvalidOption } from '../store/errors.ts';
import type { EventStore } from '../store/event-store.ts';
import { position } from '../store/position.ts';
import { blamedStep } from './classify.ts';
import { knownCheckpoint } from './copy.ts';
import { jobOf, type Job, type Steps } from './job.ts';
import type { ReadModel } from './read-model.ts';
import { keyText, type Row } from './rows.ts';
import { traceRows, watchedName, type EventPlace } from './trace.ts';
import { settledVerify, type SettledVerify, type VerifyOptions } from './verify.ts';

/** Which value is asked about. */
export interface BlameOptions<Tables = never> extends Pick<VerifyOptions<Tables>, 'db' | 'signal' | 'now'> {
  readonly table: string;
  /** The columns of the key. */
  readonly key: Row;
  readonly column: string;
}

/** Which event gave a column of a row its value. */
export interface BlameReport {
  /** Absent when no event has made the row. */
  readonly event: EventPlace | undefined;
  readonly before: unknown;
  readonly after: unknown;
  /** All events that touched the row, in order. */
  readonly history: readonly EventPlace[];
}

/** Folds the log again, and says which event set a value: what the log says, whatever somebody wrote since. */
export function blame<Tables>(store: EventStore, model: ReadModel, options: BlameOptions<Tables>): Job<BlameReport> {
  const shape = model.tables[options.table];
  if (shape === undefined) throw new InvalidOption('table', `the read model ${model.name} has no ${options.table}`);
  const missing = shape.key.find((column) => !(column in options.key));
  if (missing !== undefined) throw new InvalidOption('key', `the column ${missing} is missing`);
  const { table, key, column } = options;
  return jobOf(blameSteps(store, model, { ...settledVerify(options), table, key, column }));
}

async function* blameSteps(
  store: EventStore,
  model: ReadModel,
  options: SettledVerify & Pick<BlameOptions, 'table' | 'key' | 'column'>,
): Steps<BlameReport> {
  const { db, table, key, column } = options;
  const { position: upTo = position(0n) } = await knownCheckpoint(db, model);
  const histories = yield* traceRows(store, model, { ...options, rows: [{ table, key }], upTo });
  const steps = histories.get(watchedName(table, keyText(key, model.tables[table] ?? { key: [] }))) ?? [];
  const step = blamedStep(steps, column);
  const before = step === undefined ? undefined : steps[steps.indexOf(step) - 1];
  return {
    event: step?.event,
    before: before?.row?.[column],
    after: step?.row?.[column],
    history: steps.map(({ event }) => event),
  };
}
