import { sql, type Kysely } from 'kysely';

import type { ShopTables } from './shop.ts';

/** What a reader sees of both tables in one question. */
export async function sumsOf(db: Kysely<ShopTables>): Promise<string> {
  const { rows } = await sql`
    SELECT (SELECT COUNT(*) FROM shipments) AS orders, (SELECT SUM(changes) FROM shipments) AS changes,
      (SELECT COUNT(*) FROM carriers) AS carriers, (SELECT SUM(parcels) FROM carriers) AS parcels`.execute(db);
  const [sums] = rows as readonly Readonly<Record<string, unknown>>[];
  return JSON.stringify(Object.values(sums ?? {}).map(Number));
}
