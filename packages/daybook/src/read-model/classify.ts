import type { Difference } from './compare.ts';
import type { Drift } from './drift.ts';
import type { ReadModel } from './read-model.ts';
import { canonical, rowText, type Row } from './rows.ts';
import type { HistoryStep } from './trace.ts';
import { tryStories, type Attempt, type Stages } from './try-stories.ts';

/** What a difference is explained by. */
export interface Evidence {
  readonly stages: Stages;
  readonly model: ReadModel;
  readonly history: readonly HistoryStep[];
  /** The tables were built by other code. */
  readonly isCodeChanged: boolean;
}

/** Says how the row came to differ, and since which event. */
export async function classify(difference: Difference, evidence: Evidence): Promise<Drift> {
  const { table, key, live, expected, columns } = difference;
  const { history, isCodeChanged } = evidence;
  const drift = { table, key, columns };
  if (live === undefined) return { ...drift, class: 'missing-row', since: lastCreation(history) };
  const agreed = history.findLastIndex(({ row }) => row !== undefined && rowText(row) === rowText(live));
  if (expected === undefined) return { ...drift, class: 'ghost-row', since: history[agreed + 1]?.event };
  if (agreed >= 0) return { ...drift, class: 'missing-events', since: history[agreed + 1]?.event };
  const since = firstBlamed(
    history,
    columns.map(({ column }) => column),
  );
  if (isCodeChanged) return { ...drift, class: 'code-changed', since };
  const story = await tryStories(attemptOf(difference, evidence));
  if (story !== undefined) return { ...drift, ...story };
  return { ...drift, class: 'foreign-write', since };
}

function attemptOf({ table, live = {} }: Difference, { stages, model, history }: Evidence): Attempt {
  return { stages, model, table, live, history };
}

/** The last event that brought the row into being. */
function lastCreation(history: readonly HistoryStep[]): HistoryStep['event'] | undefined {
  return history.findLast(({ row }, index) => row !== undefined && history[index - 1]?.row === undefined)?.event;
}

/** Of the events that set these columns last, the first: from then on the row has been wrong. */
function firstBlamed(history: readonly HistoryStep[], columns: readonly string[]): HistoryStep['event'] | undefined {
  const named = columns.length > 1 ? columns.filter((column) => column !== '_position') : columns;
  return named
    .flatMap((column) => blamedStep(history, column)?.event ?? [])
    .toSorted((a, b) => (a.position < b.position ? -1 : 1))[0];
}

/** The last step that gave a column the value it has. */
export function blamedStep(history: readonly HistoryStep[], column: string): HistoryStep | undefined {
  const value = (row: Row | undefined): string => (row === undefined ? 'no row' : canonical(row[column]));
  return history.findLast(({ row }, index) => value(row) !== value(history[index - 1]?.row));
}
