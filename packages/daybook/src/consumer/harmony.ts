import type { EventStore } from '../store/event-store.ts';
import { streamName, type StreamName } from '../store/stream-name.ts';
import { appendTo, fieldsOf, lastEvent, numberIn, textIn } from './journal.ts';

/** A row that is not what the log says, as it is kept in the log. */
export interface KeptDrift {
  readonly table: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly class: string;
  /** The first event at which row and log part, such as `OrderShipped 1@CustomerOrder-8`. */
  readonly since?: string | undefined;
}

/** How a read model and its log agree, as whoever compares them says. Each event of its stream has all of it. */
export interface Harmony {
  readonly model: string;
  /** Up to which event both were compared. */
  readonly position?: string | undefined;
  /** How many rows the log makes, and how many of them were found to be there as they should be. */
  readonly rows: number;
  readonly verifiedRows: number;
  readonly differing: number;
  /** The first of those that differ. */
  readonly drift: readonly KeptDrift[];
  /** When rows were compared last, in ISO 8601. Absent: never. */
  readonly verifiedAt?: string | undefined;
  /** When the last row of all was reached. */
  readonly allVerifiedAt?: string | undefined;
  /** Longer than this it should not go on without being compared. */
  readonly unverifiedMs: number;
  /** Why it was not compared. */
  readonly problem?: string | undefined;
  /** Where comparing goes on after a restart. Means something to whoever compares. */
  readonly next?: unknown;
}

/** Comparisons that are kept of each read model. */
const keptComparisons = 2_000;

/** In which a read model's comparisons with the log are kept. */
export function harmonyStreamOf(model: string): StreamName {
  return streamName(`$harmony-${model}`);
}

/** Publishes what a comparison has found. */
export async function publishHarmony(store: EventStore, harmony: Harmony): Promise<void> {
  const journal = { stream: harmonyStreamOf(harmony.model), keepEvents: keptComparisons };
  const type = harmony.problem === undefined ? 'ReadModelCompared' : 'ReadModelNotCompared';
  await appendTo(store, journal, { type, data: harmony, expected: 'any' });
}

/** What the last comparison has found, if there ever was one. */
export async function readHarmony(store: EventStore, model: string): Promise<Harmony | undefined> {
  const last = await lastEvent(store, harmonyStreamOf(model));
  if (last === undefined) return undefined;
  const fields = fieldsOf(last);
  return {
    model,
    position: textIn(fields, 'position'),
    rows: numberIn(fields, 'rows') ?? 0,
    verifiedRows: numberIn(fields, 'verifiedRows') ?? 0,
    differing: numberIn(fields, 'differing') ?? 0,
    drift: driftIn(fields['drift']),
    verifiedAt: timeIn(fields, 'verifiedAt'),
    allVerifiedAt: timeIn(fields, 'allVerifiedAt'),
    unverifiedMs: numberIn(fields, 'unverifiedMs') ?? 0,
    problem: textIn(fields, 'problem'),
    next: fields['next'],
  };
}

function timeIn(fields: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const text = textIn(fields, name);
  return text !== undefined && Number.isFinite(Date.parse(text)) ? text : undefined;
}

function driftIn(value: unknown): readonly KeptDrift[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((each: unknown) => {
    const fields = typeof each === 'object' && each !== null ? { ...each } : {};
    const table = textIn(fields, 'table');
    const key: unknown = Reflect.get(fields, 'key');
    if (table === undefined || typeof key !== 'object' || key === null) return [];
    return [{ table, key: { ...key }, class: textIn(fields, 'class') ?? '', since: textIn(fields, 'since') }];
  });
}
