import type { EventStore } from '../store/event-store.ts';
import { position, type Position } from '../store/position.ts';
import { temporaryCopy } from './copy.ts';
import type { Steps } from './job.ts';
import type { SettledLocate } from './locate.ts';
import { positionColumn, tableName } from './naming.ts';
import type { ReadModel } from './read-model.ts';
import { bucketOf, buckets, keyColumns, keyText, rowsWithKeys, rowText, scanRows, type Row } from './rows.ts';
import { traceRows, watchedName, type HistoryStep, type WatchedRow } from './trace.ts';

/** What rows say by what they hold. */
export interface LocatedByRows {
  readonly position: Position | undefined;
  /** Rows of the sample that agree with no state of the log there. */
  readonly disagreeing: readonly WatchedRow[];
}

/** Rows whose stories are followed. */
const sampleAtMost = 400;

/**
 * The latest position at which as many rows as possible of a sample are what the log made of them. Each row agrees with
 * the log from the event that made it so up to the next one; where most of these spans overlap, the tables were.
 */
export async function* locateByRows(store: EventStore, model: ReadModel, options: SettledLocate): Steps<LocatedByRows> {
  const { position: head = position(0n) } = await store.head();
  const sample = yield* sampleOf(store, model, { ...options, upTo: head });
  const histories = yield* traceRows(store, model, { ...options, rows: sample, upTo: head });
  const spans = new Map<WatchedRow, readonly Span[]>();
  for (const [table, shape] of Object.entries(model.tables)) {
    const rows = sample.filter((row) => row.table === table);
    const keys = rows.map(({ key }) => key);
    const found = await rowsWithKeys(options.db, table, shape, keys);
    const byKey = new Map(found.map((row) => [keyText(row, shape), row]));
    for (const row of rows) {
      const text = keyText(row.key, shape);
      spans.set(row, spansOf(histories.get(watchedName(table, text)) ?? [], byKey.get(text)));
    }
  }
  const at = mostCovered([...spans.values()].flat());
  const disagreeing = [...spans]
    .filter(([, own]) => !own.some(({ from, to }) => at !== undefined && from <= at && (to === undefined || at < to)))
    .map(([row]) => row);
  return { position: at === 0n ? undefined : at, disagreeing };
}

async function* sampleOf(
  store: EventStore,
  model: ReadModel,
  options: SettledLocate & { readonly upTo: Position },
): Steps<readonly WatchedRow[]> {
  const { db, upTo } = options;
  await using temporary = await temporaryCopy(store, model, options);
  yield* temporary.copy.foldTo(upTo);
  const sample = new Map<string, { readonly row: WatchedRow; readonly bucket: number }>();
  for (const [table, shape] of Object.entries(model.tables)) {
    let below = buckets;
    for (const name of [tableName(table, temporary.copy.naming), table]) {
      for await (const rows of scanRows(db, name, shape)) {
        for (const row of rows) {
          const text = keyText(row, shape);
          const bucket = bucketOf(text);
          if (bucket < below)
            sample.set(watchedName(table, text), { row: { table, key: keyColumns(row, shape) }, bucket });
        }
        below = thinned(sample, below);
      }
    }
  }
  return [...sample.values()].map(({ row }) => row);
}

/** Keeps the sample small: the rows of the lower parts stay. Gives the part from which on rows are left out. */
function thinned(sample: Map<string, { readonly bucket: number }>, below: number): number {
  let limit = below;
  while (sample.size > sampleAtMost && limit > 1) {
    limit = Math.floor(limit / 2);
    for (const [name, { bucket }] of sample) if (bucket >= limit) sample.delete(name);
  }
  return limit;
}

/** From an event on, up to the one before another: there the row was what it is. */
interface Span {
  readonly from: Position;
  readonly to: Position | undefined;
}

function spansOf(history: readonly HistoryStep[], row: Row | undefined): readonly Span[] {
  const wanted = plain(row);
  const starts = [{ at: position(0n), row: undefined as Row | undefined }].concat(
    history.map((step) => ({ at: step.event.position, row: step.row })),
  );
  return starts.flatMap((start, index) =>
    plain(start.row) === wanted ? [{ from: start.at, to: starts[index + 1]?.at }] : [],
  );
}

function plain(row: Row | undefined): string {
  return row === undefined ? 'no row' : rowText({ ...row, [positionColumn]: undefined });
}

/** The latest event position within as many spans as possible. */
function mostCovered(spans: readonly Span[]): Position | undefined {
  const edges = spans.flatMap(({ from, to }) => [
    { at: from, change: 1 },
    ...(to === undefined ? [] : [{ at: to, change: -1 }]),
  ]);
  const places = [...new Set(edges.map(({ at }) => at))].toSorted((a, b) => (a < b ? -1 : 1));
  const changes = new Map<Position, number>();
  for (const { at, change } of edges) changes.set(at, (changes.get(at) ?? 0) + change);
  let covered = 0;
  let most = 0;
  let best: Position | undefined;
  for (const at of places) {
    covered += changes.get(at) ?? 0;
    if (covered < most) continue;
    most = covered;
    best = at;
  }
  return best;
}
