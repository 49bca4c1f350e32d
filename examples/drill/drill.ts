/**
 * The incident that Daybook is made for, end to end, on real files and real databases: a table stops silently, nobody
 * looks for eight days, and then it is put right.
 *
 *     npm run drill                       on SQLite, and on PostgreSQL
 *     npm run drill -- --on sqlite        on one of them
 *     npm run drill -- --events 6000      smaller
 *     npm run drill -- --bug unguarded    with a read model that counts past its transaction: it must fail
 *     npm run drill -- --bug checkpoint-by-hand
 *                                         with a checkpoint that somebody has set: it must fail, too
 *     npm run drill -- --folder ./x       where it can be killed at any moment, and begun again
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { startPostgres } from '../../test/services/postgres.ts';
import { makeDatabase, named } from './databases.ts';
import { drill, type Bug, type Ending } from './incident.ts';

/** What each part of the way out should take at most. */
const budgetMs = 30_000;

const { values } = parseArgs({
  options: {
    on: { type: 'string', multiple: true, default: ['sqlite', 'postgres'] },
    events: { type: 'string', default: '60000' },
    folder: { type: 'string' },
    bug: { type: 'string', default: 'none' },
  },
});
const bugs: readonly Bug[] = ['none', 'unguarded', 'checkpoint-by-hand'];
const bug = bugs.find((each) => each === values.bug);
if (bug === undefined) throw new Error(`--bug is ${bugs.slice(1).join(' or ')}, not ${values.bug}.`);
const given = values.folder === undefined ? undefined : resolve(values.folder);
const total = Number(values.events);
const before = Math.floor(total / 6);
let isWell = true;
for (const kind of values.on) {
  const folder = given === undefined ? mkdtempSync(join(tmpdir(), 'daybook-drill-')) : join(given, kind);
  mkdirSync(folder, { recursive: true });
  console.log(kind === 'postgres' ? 'PostgreSQL' : 'SQLite');
  const ending = kind === 'postgres' ? await onPostgres(folder, bug) : await onSqlite(folder, bug);
  isWell &&= ending.isWell;
  say(ending);
  if (given === undefined) rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isWell ? 0 : 1;

function onSqlite(folder: string, planted: Bug): Promise<Ending> {
  return drill({ folder, database: join(folder, 'shop.db'), before, total, bug: planted });
}

async function onPostgres(folder: string, planted: Bug): Promise<Ending> {
  // PostgreSQL does not run as root, and whoever it runs as has to get there.
  const isRoot = process.getuid?.() === 0;
  for (const path of [given, folder]) if (isRoot && path !== undefined) chmodSync(path, 0o711);
  await using postgres = await startPostgres({ folder: join(folder, 'server') });
  const database = named(postgres.url, 'shop');
  await makeDatabase(database);
  return await drill({ folder, database, before, total, bug: planted });
}

function say({ isWell: well, lost, repeated, ...after }: Ending): void {
  const { detectedAfterMs, detectedAfterMsThen, repairedAfterMs, provenAfterMs } = after;
  const alertMs = Math.max(detectedAfterMs, detectedAfterMsThen);
  console.log(`  detected after ${seconds(alertMs)}, repaired after ${seconds(repairedAfterMs)}`);
  console.log(`  proven after ${seconds(provenAfterMs)}`);
  const within = (ms: number): string => (ms <= budgetMs ? 'yes' : 'NO');
  const [alert, repair, proof] = [alertMs, repairedAfterMs, provenAfterMs].map(within);
  console.log(`  within ${seconds(budgetMs)}: alert ${alert}, repair ${repair}, proof ${proof}`);
  console.log(`  events lost ${lost}, repeated ${repeated}`);
  console.log(well ? '  in harmony' : '  NOT in harmony');
}

function seconds(ms: number): string {
  return ms === Infinity ? 'a time that never came' : `${(ms / 1_000).toFixed(1)} s`;
}
