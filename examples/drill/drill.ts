/**
 * The incident that Daybook is made for, end to end, on real files and real databases: a table stops silently, nobody
 * looks for eight days, and then it is put right.
 *
 *     npm run drill                       on SQLite, and on PostgreSQL
 *     npm run drill -- --on sqlite        on one of them
 *     npm run drill -- --events 6000      smaller
 *     npm run drill -- --bug              with a checkpoint that was set by hand: it must fail
 *     npm run drill -- --folder ./x       where it can be killed and begun again (SQLite)
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startPostgres } from '../../test/services/postgres.ts';
import { drill, type Ending } from './incident.ts';

const { values } = parseArgs({
  options: {
    on: { type: 'string', multiple: true, default: ['sqlite', 'postgres'] },
    events: { type: 'string', default: '60000' },
    folder: { type: 'string' },
    bug: { type: 'boolean', default: false },
  },
});
const total = Number(values.events);
const before = Math.floor(total / 6);
const bug = values.bug ? 'checkpoint-by-hand' : 'none';
let isWell = true;
for (const kind of values.on) {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'daybook-drill-'));
  mkdirSync(folder, { recursive: true });
  console.log(kind === 'postgres' ? 'PostgreSQL' : 'SQLite');
  const ending = kind === 'postgres' ? await onPostgres(folder) : await onSqlite(folder);
  isWell &&= ending.isWell;
  say(ending);
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
process.exitCode = isWell ? 0 : 1;

function onSqlite(folder: string): Promise<Ending> {
  return drill({ folder, database: join(folder, 'shop.db'), before, total, bug });
}

async function onPostgres(folder: string): Promise<Ending> {
  await using postgres = await startPostgres();
  const database = await postgres.createDatabase();
  return await drill({ folder, database, before, total, bug });
}

function say({ isWell: well, lost, repeated, ...after }: Ending): void {
  const { detectedAfterMs, repairedAfterMs, provenAfterMs } = after;
  console.log(`  detected after ${seconds(detectedAfterMs)}, repaired after ${seconds(repairedAfterMs)}`);
  console.log(`  proven after ${seconds(provenAfterMs)}`);
  console.log(`  events lost ${lost}, repeated ${repeated}`);
  console.log(well ? '  in harmony' : '  NOT in harmony');
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
