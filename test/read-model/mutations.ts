import type { RecordedEvent } from 'daybook';
import type { Drift, DriftClass } from 'daybook/read-model';
import type { Kysely } from 'kysely';

import { foldOrder, type OrderRow } from './shop-oracle.ts';
import { emptyShipment, type ShopTables } from './shop.ts';

/** Something done to an order's row behind the read model's back. */
export interface Mutation {
  readonly order: string;
  readonly class: DriftClass;
  /** The row is what other events of the order make; else its value is one that none make. */
  readonly column?: 'carrier' | 'paid';
  /** What the row becomes; `undefined` when it goes. */
  readonly row: OrderRow | undefined;
  /** The events that the order had by then. */
  readonly events: readonly RecordedEvent[];
}

/** A random mutation of an order's row. `undefined` when its events allow none of that kind. */
export function mutationOf(
  order: string,
  events: readonly RecordedEvent[],
  { random, on }: { readonly random: () => number; readonly on: 'SQLite' | 'PostgreSQL' },
): Mutation | undefined {
  const row = foldOrder(events);
  if (row === undefined || events.length < 2) return undefined;
  const from = 1 + Math.floor(random() * (events.length - 1));
  switch (Math.floor(random() * (on === 'SQLite' ? 7 : 6))) {
    case 0:
      return { order, class: 'missing-row', row: undefined, events };
    case 1: {
      const name = `ghost-${order}`;
      return { order: name, class: 'ghost-row', row: { ...emptyShipment(name), _position: 1 }, events: [] };
    }
    case 2: {
      const column = random() < 0.5 ? 'carrier' : 'paid';
      const value = column === 'carrier' ? 'pigeon' : -7;
      return { order, class: 'foreign-write', column, row: { ...row, [column]: value }, events };
    }
    case 3: // All from one on are lost, as of a copy that was put back.
      return retold('missing-events', order, { events, told: events.slice(0, from) });
    case 4:
      return retold('missing-events', order, { events, told: events.toSpliced(from, 1) });
    case 5: {
      const index = Math.floor(random() * events.length);
      return retold('applied-twice', order, { events, told: events.flatMap((e, i) => (i === index ? [e, e] : [e])) });
    }
    default:
      return wrongType(order, row, { events, random });
  }
}

/** What becomes of the orders of a batch of the log when it never came to the tables. */
export function lostBatch(
  stories: ReadonlyMap<string, readonly RecordedEvent[]>,
  { from, to }: { readonly from: bigint; readonly to: bigint },
): readonly Mutation[] {
  return [...stories].flatMap(([order, events]): readonly Mutation[] => {
    const told = events.filter(({ position }) => position < from || position >= to);
    if (told.length === events.length || foldOrder(events) === undefined) return [];
    if (foldOrder(told) === undefined) return [{ order, class: 'missing-row', row: undefined, events }];
    const mutation = retold('missing-events', order, { events, told });
    return mutation === undefined ? [] : [mutation];
  });
}

/** Does it. */
export async function mutate(db: Kysely<ShopTables>, { order, row }: Mutation): Promise<void> {
  await db.deleteFrom('shipments').where('order_id', '=', order).execute();
  if (row !== undefined) await db.insertInto('shipments').values(row).execute();
}

/** What is wrong with what a comparison said about a mutation, or `undefined`. `events`: those of the order by now. */
export function misjudged(
  mutation: Mutation,
  drift: Drift | undefined,
  events: readonly RecordedEvent[],
): string | undefined {
  const { order } = mutation;
  if (drift === undefined) return `${mutation.class} of ${order} was not found`;
  const since = drift.since === undefined ? undefined : Number(drift.since.position);
  const right = rightPlaces(mutation, events);
  if (drift.class === mutation.class && right.includes(since)) return undefined;
  return `${mutation.class} since ${right.join('|')} of ${order} was called ${drift.class} since ${since}`;
}

/** The positions of events any of which explains the row: the first at which row and log part. */
function rightPlaces(mutation: Mutation, events: readonly RecordedEvent[]): readonly (number | undefined)[] {
  const { column, row } = mutation;
  if (row === undefined) return [Number(events[0]?.position)];
  if (mutation.class === 'ghost-row') return [undefined];
  if (column !== undefined) {
    // The last event that set the column: by comparing what the fold is before and after each.
    const value = (count: number): unknown => foldOrder(events.slice(0, count))?.[column];
    return [Number(events.findLast((_event, index) => value(index) !== value(index + 1))?.position)];
  }
  const live = textOf(foldOrder(events.slice(mutation.events.length), row));
  const isTold = (from: number, to: number): boolean => {
    const run = mutation.class === 'applied-twice' ? [...events.slice(from, to), ...events.slice(from, to)] : [];
    return textOf(foldOrder([...events.slice(0, from), ...run, ...events.slice(to)])) === live;
  };
  return events.flatMap(({ position }, from) => {
    const ends = events.map((_event, index) => index + 1).filter((to) => to > from);
    return ends.some((to) => isTold(from, to)) ? [Number(position)] : [];
  });
}

/** The row that other events of an order make. */
function retold(
  kind: DriftClass,
  order: string,
  { events, told }: { readonly events: readonly RecordedEvent[]; readonly told: readonly RecordedEvent[] },
): Mutation | undefined {
  const row = foldOrder(told);
  return row === undefined || textOf(row) === textOf(foldOrder(events))
    ? undefined
    : { order, class: kind, row, events };
}

/** SQLite keeps text in a column of numbers, and bytes in one of text. */
function wrongType(
  order: string,
  row: OrderRow,
  { events, random }: { readonly events: readonly RecordedEvent[]; readonly random: () => number },
): Mutation {
  const { carrier } = row;
  const column = carrier === null || random() < 0.5 ? 'paid' : 'carrier';
  const value: unknown = column === 'paid' ? 'lots' : new TextEncoder().encode(carrier ?? '');
  return { order, class: 'foreign-write', column, row: { ...row, [column]: value }, events };
}

function textOf(row: OrderRow | undefined): string {
  return JSON.stringify(row && Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
