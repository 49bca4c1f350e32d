/**
 * A process that asks the shop's tables the same question again and again until its input ends, and says each answer that
 * is not the one before. An error ends it.
 *
 *     node read-child.ts DATABASE
 */
import { writeSync } from 'node:fs';

import { connectTo } from './databases.ts';
import { sumsOf } from './shop-sums.ts';
import type { ShopTables } from './shop.ts';

const [database = ''] = process.argv.slice(2);
const ended = new AbortController();
process.stdin.on('data', () => {});
process.stdin.on('end', () => ended.abort());
const db = connectTo<ShopTables>(database);
let said = '';
while (!ended.signal.aborted) {
  const sums = await sumsOf(db);
  if (sums !== said) writeSync(1, `${(said = sums)}\n`);
  await new Promise(setImmediate); // A file of SQLite answers without letting anybody else have a turn.
}
await db.destroy();
