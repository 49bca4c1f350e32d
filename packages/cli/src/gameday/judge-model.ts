import type { EventStore } from 'daybook';
import type { Drift } from 'daybook/read-model';

import type { Heard } from './child-process.ts';
import type { ModelGround } from './ground.ts';
import { eventText, failed, type Outcome } from './outcome.ts';
import type { EventName } from './plan.ts';

/** Compares every row with the log, and says what became of the read model. */
export async function judgeModel(
  ground: ModelGround,
  store: EventStore,
  times: Pick<Outcome, 'detectedMs' | 'repairedMs'>,
): Promise<Outcome> {
  const { verifyReadModel } = await import('daybook/read-model'); // Loaded when it is needed: it brings Kysely.
  const { differing, drift } = await ground.withTables((db) =>
    verifyReadModel(store, ground.model, { db, signal: ground.signal }).result(),
  );
  const count = (...classes: readonly Drift['class'][]): number =>
    drift.filter((each) => classes.includes(each.class)).length;
  const sums = { ...times, lost: count('missing-row', 'missing-events'), repeated: count('applied-twice') };
  const [first] = drift;
  if (differing === 0 || first === undefined) return { verdict: 'held', ...sums };
  return { verdict: 'failed', ...sums, why: sentence(first), event: first.since && nameOf(first.since) };
}

function sentence({ table, key, class: kind, columns, since }: Drift): string {
  const row = `the row ${Object.entries(key)
    .map(([column, value]) => `${column}=${String(value)}`)
    .join(' ')} of ${table}`;
  const [column] = columns;
  const values =
    column === undefined
      ? ''
      : `: ${column.column} is ${String(column.live)}, and the log says ${String(column.expected)}`;
  const handler =
    since === undefined
      ? ''
      : ` since ${eventText(nameOf(since))}: look at the handler of ${since.type}, which may write through tx only, ` +
        'and depend on its event and its tables only';
  return `${row} is not what the log makes (${kind})${values}${handler}.`;
}

function nameOf({ type, stream, revision }: { type: string; stream: string; revision: bigint }): EventName {
  return { type, stream, revision: String(revision) };
}

/** Why a process did not get where it should. */
export function broken(heard: Heard): Outcome {
  if (heard.kind === 'failed') return failed(`it failed: ${heard.message}`, heard.event);
  if (heard.kind !== 'gone') return failed(`it did not do what it should: ${heard.kind}`);
  return failed(`its process ended${heard.signal === null ? '' : ` by ${heard.signal}`}: ${said(heard.words)}`);
}

function said(words: string): string {
  const line = words.split('\n').find((each) => /Error|error|✗/.test(each));
  return (line ?? words).trim() || 'nobody knows why';
}
