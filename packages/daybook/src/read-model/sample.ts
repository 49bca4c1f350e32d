import type { Kysely } from 'kysely';

import { booksOf, makeUnlessThere, type Bookkeeping, type Counter } from './bookkeeping.ts';
import type { ReadModel, UntypedTables } from './read-model.ts';
import { buckets } from './rows.ts';

/** Some of the parts of all tables: so many, beginning with one, and going on with the first after the last. */
export interface Sample {
  readonly from: number;
  readonly count: number;
}

/** All parts. */
export const everything: Sample = { from: 0, count: buckets };

/** Whether a part is one of the sample. */
export function isIn({ from, count }: Sample, bucket: number): boolean {
  return (bucket - from + buckets) % buckets < count;
}

/** What is kept of samples: with which part the next one begins. */
type Samples = Bookkeeping & {
  readonly daybook_read_model_sample: { readonly model: string; readonly next_bucket: Counter };
};

/** The next sample of this size: it begins where the last one ended, so that they come to every row in turn. */
export async function nextSample(db: Kysely<UntypedTables>, model: ReadModel, share: number): Promise<Sample> {
  if (share >= 1) return everything;
  const samples = samplesOf(db);
  await makeUnlessThere(
    samples.schema
      .createTable('daybook_read_model_sample')
      .ifNotExists()
      .addColumn('model', 'varchar(200)', (column) => column.primaryKey())
      .addColumn('next_bucket', 'integer', (column) => column.notNull()),
  );
  const kept = await samples
    .selectFrom('daybook_read_model_sample')
    .select('next_bucket')
    .where('model', '=', model.name)
    .executeTakeFirst();
  return { from: Number(kept?.next_bucket ?? 0) % buckets, count: Math.ceil(share * buckets) };
}

/** Keeps that a sample was compared: the next one begins behind it. */
export async function rememberSample(
  db: Kysely<UntypedTables>,
  model: ReadModel,
  { from, count }: Sample,
): Promise<void> {
  if (count === buckets) return;
  const row = { model: model.name, next_bucket: (from + count) % buckets };
  await samplesOf(db)
    .insertInto('daybook_read_model_sample')
    .values(row)
    .onConflict((conflict) => conflict.column('model').doUpdateSet({ next_bucket: row.next_bucket }))
    .execute();
}

function samplesOf(db: Kysely<UntypedTables>): Kysely<Samples> {
  return booksOf(db) as Kysely<Samples>; // A table beside the other ones, made when it is needed.
}
