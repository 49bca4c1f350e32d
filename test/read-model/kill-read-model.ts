import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { openSqliteStore } from 'daybook/sqlite';
import type { Kysely } from 'kysely';

import type { DatabaseKind } from './databases.ts';
import { foldOrder, storiesOf } from './shop-oracle.ts';
import { appendShop, shopEvents, type ShopTables } from './shop.ts';

/** Where the process is killed. `outside` is by this process, at any moment: in a commit too. */
const points = ['decode', 'handle', 'between', 'end', 'after', 'outside'] as const;

/** What came of it. */
export interface Killed {
  readonly kills: number;
  /** Rows that an independent fold says otherwise about. */
  readonly wrong: readonly string[];
}

/** R13: kills a read model again and again at all points, lets it go on to the end, and counts what it counted. */
export async function killReadModel(
  kind: DatabaseKind,
  { kills, random }: { readonly kills: number; readonly random: () => number },
): Promise<Killed> {
  const folder = await mkdtemp(join(tmpdir(), 'daybook-kill-'));
  try {
    const log = join(folder, 'log.db');
    {
      await using store = await openSqliteStore(log);
      await appendShop(store, shopEvents(kills * 8, random));
    }
    await using database = await kind.create<ShopTables>();
    let killed = 0;
    for (let index = 0; index < kills; index++) {
      const point = points[index % points.length] ?? 'outside';
      const times = 1 + Math.floor(random() * 12);
      if ((await life([log, database.location, point, String(times)])) === 'SIGKILL') killed += 1;
    }
    await life([log, database.location]);
    await using store = await openSqliteStore(log);
    return { kills: killed, wrong: await wrongRows(await storiesOf(store), database.db) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lets a process run, and kills it when it asks for it. Gives the signal it ended by. */
async function life(words: readonly string[]): Promise<unknown> {
  const program = join(import.meta.dirname, 'kill-child.ts');
  const child = spawn(process.execPath, ['--conditions=@daybook/source', program, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  let said = '';
  child.stderr.on('data', (data: Buffer) => {
    said += String(data);
  });
  const [code, signal]: readonly unknown[] = await once(child, 'close');
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`The process ended with ${String(code)}: ${said}`);
  return signal;
}

async function wrongRows(
  stories: Awaited<ReturnType<typeof storiesOf>>,
  db: Kysely<ShopTables>,
): Promise<readonly string[]> {
  const rows = await db.selectFrom('shipments').selectAll().orderBy('order_id').execute();
  const found = new Map(rows.map((row) => [row.order_id, text(row)]));
  return [...stories].flatMap(([order, events]) => {
    const expected = text(foldOrder(events));
    return found.get(order) === expected || (expected === '{}' && !found.has(order))
      ? []
      : [`${order} is ${found.get(order)}, not ${expected}`];
  });
}

function text(row: object | undefined): string {
  const entries = Object.entries(row ?? {}).map(([column, value]) => [
    column,
    column === '_position' ? Number(value) : value,
  ]);
  return JSON.stringify(Object.fromEntries(entries.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))));
}
