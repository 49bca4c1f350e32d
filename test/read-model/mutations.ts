import type { RecordedEvent } from 'daybook';
import type { Drift, DriftClass } from 'daybook/read-model';
import type { Kysely } from 'kysely';

import { foldOrder, type OrderRow } from './shop-oracle.ts';
import { emptyShipment, type ShopTables } from './shop.ts';

/** Something done to a row behind the read model's back, and what a comparison must say about it. */
export interface Mutation {
  readonly order: string;
  readonly class: DriftClass;
  /** The positions of events any of which would explain the row: the first at which row and log part. */
  readonly since: readonly (number | undefined)[];
  /** What the row becomes; `undefined` when it goes. */
  readonly row: OrderRow | undefined;
}

/** A random mutation of an order's row. `undefined` when its events allow none of that kind. */
export function mutationOf(
  order: string,
  events: readonly RecordedEvent[],
  random: () => number,
): Mutation | undefined {
  const row = foldOrder(events);
  if (row === undefined || events.length < 2) return undefined;
  const pick = Math.floor(random() * 6);
  switch (pick) {
    case 0:
      return { order, class: 'missing-row', since: [Number(events[0]?.position)], row: undefined };
    case 1:
      return ghost(order);
    case 2:
      return foreign(order, events, row, random);
    case 3:
      return stale(order, events, random);
    case 4:
      return skipped(order, events, random);
    default:
      return doubled(order, events, random);
  }
}

/** Does it. */
export async function mutate(db: Kysely<ShopTables>, { order, row }: Mutation): Promise<void> {
  await db.deleteFrom('shipments').where('order_id', '=', order).execute();
  if (row !== undefined) await db.insertInto('shipments').values(row).execute();
}

/** What is wrong with what a comparison said about a mutation, or `undefined`. */
export function misjudged(mutation: Mutation, drift: Drift | undefined): string | undefined {
  if (drift === undefined) return `${mutation.class} of ${mutation.order} was not found`;
  const since = drift.since === undefined ? undefined : Number(drift.since.position);
  if (drift.class === mutation.class && mutation.since.includes(since)) return undefined;
  return `${mutation.class} since ${mutation.since.join('|')} of ${mutation.order} was called ${drift.class} since ${since}`;
}

function ghost(order: string): Mutation {
  const name = `ghost-${order}`;
  return { order: name, class: 'ghost-row', since: [undefined], row: { ...emptyShipment(name), _position: 1 } };
}

function foreign(order: string, events: readonly RecordedEvent[], row: OrderRow, random: () => number): Mutation {
  const column = random() < 0.5 ? 'carrier' : 'paid';
  const value = column === 'carrier' ? 'pigeon' : -7;
  // The last event that set the column: by comparing what the fold is before and after each.
  const setters = events.filter(
    (_event, index) => foldOrder(events.slice(0, index))?.[column] !== foldOrder(events.slice(0, index + 1))?.[column],
  );
  return {
    order,
    class: 'foreign-write',
    since: [Number(setters.at(-1)?.position)],
    row: { ...row, [column]: value },
  };
}

function stale(order: string, events: readonly RecordedEvent[], random: () => number): Mutation | undefined {
  const kept = 1 + Math.floor(random() * (events.length - 1));
  const row = foldOrder(events.slice(0, kept));
  const since = [Number(events[kept]?.position)];
  return row === undefined ? undefined : { order, class: 'missing-events', since, row };
}

function skipped(order: string, events: readonly RecordedEvent[], random: () => number): Mutation | undefined {
  if (events.length < 3) return undefined;
  const index = 1 + Math.floor(random() * (events.length - 2));
  const without = (at: number): OrderRow | undefined => foldOrder(events.filter((_event, i) => i !== at));
  return told('missing-events', { order, events, row: without(index), story: without });
}

function doubled(order: string, events: readonly RecordedEvent[], random: () => number): Mutation | undefined {
  const index = Math.floor(random() * events.length);
  const twice = (at: number): OrderRow | undefined =>
    foldOrder(events.flatMap((event, i) => (i === at ? [event, event] : [event])));
  return told('applied-twice', { order, events, row: twice(index), story: twice });
}

/** A story that several events may tell alike. */
function told(
  kind: DriftClass,
  facts: {
    readonly order: string;
    readonly events: readonly RecordedEvent[];
    readonly row: OrderRow | undefined;
    readonly story: (index: number) => OrderRow | undefined;
  },
): Mutation | undefined {
  const { order, events, row, story } = facts;
  if (row === undefined) return undefined;
  const same = (other: OrderRow | undefined): boolean => JSON.stringify(other) === JSON.stringify(row);
  const since = events.filter((_event, index) => same(story(index))).map((event) => Number(event.position));
  return { order, class: kind, since, row };
}
