/**
 * A process that repairs or rebuilds the shop's read model, and kills itself after the nth SQL statement: inside of whatever
 * it is at. Without a number it goes on to the end, and says how many statements that took, and which of them changed tables.
 *
 *     node mend-child.ts LOG DATABASE in-place|beside|rebuild [STATEMENT]
 */
import { writeSync } from 'node:fs';

import { rebuildReadModel, repairReadModel } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';

import { connectTo } from './databases.ts';
import { shopModel, type ShopTables } from './shop.ts';

const [log = '', database = '', verb = '', last = '0'] = process.argv.slice(2);
let statements = 0;
const tables: number[] = [];
const db = connectTo<ShopTables>(database, (text) => {
  // What is tried on tables that nobody sees leaves nothing, and takes more statements or less, by the time it takes.
  if (/__try_|savepoint|^rollback to/i.test(text)) return;
  statements += 1;
  if (/^(alter|drop)/i.test(text)) tables.push(statements);
  if (statements === Number(last)) process.kill(process.pid, 'SIGKILL');
});
const options = { db, reason: { who: 'ann', why: 'a test' } };
{
  await using store = await openSqliteStore(log);
  if (verb === 'rebuild') await rebuildReadModel(store, shopModel(), options).result();
  else
    await repairReadModel(store, shopModel(), { ...options, ...(verb === 'beside' && { inPlaceAtMost: 0 }) }).result();
}
await db.destroy();
writeSync(1, JSON.stringify({ statements, tables }));
