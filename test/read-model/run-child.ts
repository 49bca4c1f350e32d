/**
 * A process that runs the shop's read model until its input ends. At the first event of order `stuck` it says `stuck` and
 * waits, in the middle of a batch, until it reads `go on`. It says each state it comes to.
 *
 *     node run-child.ts LOG DATABASE
 */
import { writeSync } from 'node:fs';

import { jsonData, streamName } from 'daybook';
import { readModel, runReadModel, type ModelSource } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';

import { connectTo } from './databases.ts';
import { shopOptions, type ShopTables } from './shop.ts';

const [log = '', database = ''] = process.argv.slice(2);
const goingOn = Promise.withResolvers<void>();
const ended = Promise.withResolvers<void>();
process.stdin.on('data', () => goingOn.resolve());
process.stdin.on('end', () => ended.resolve());

function say(text: string): void {
  writeSync(1, `${text}\n`);
}

let isStuck = false;
const options = shopOptions();
const sources: readonly ModelSource[] = options.from.map((stream) => ({
  stream: streamName(stream),
  decode: async (event) => {
    if (event.stream === 'CustomerOrder-stuck' && !isStuck) {
      isStuck = true;
      say('stuck');
      await goingOn.promise;
    }
    return { ...event, data: jsonData(event) };
  },
}));
const model = readModel<readonly ModelSource[], ShopTables>('shop', { ...options, from: sources });

await using store = await openSqliteStore(log);
const db = connectTo<ShopTables>(database);
let said = '';
{
  await using run = await runReadModel(store, model, { db, pollMs: 5 });
  const saying = setInterval(() => {
    const { state } = run.status();
    if (state !== said) say((said = state));
  }, 1);
  await ended.promise;
  clearInterval(saying);
}
await db.destroy();
