/**
 * A process that runs the shop's read model and kills itself at the nth time it comes to a point: `decode`, `handle`,
 * `between` two statements, at the `end` of a batch before its commit, or `after` a commit. `outside`, it says on its
 * output that it is to be killed, and goes on until it is. Without a point it goes on to the end of the log.
 *
 *     node kill-child.ts LOG DATABASE [POINT TIMES]
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';

import { jsonData, position, streamName } from 'daybook';
import { readModel, runReadModel, type ModelSource } from 'daybook/read-model';
import { openSqliteStore } from 'daybook/sqlite';

import { connectTo } from './databases.ts';
import { shopOptions, type ShopHandler, type ShopTables } from './shop.ts';

flushCompileCache(); // A process that is killed cannot keep what was compiled later.
const [log = '', database = '', point = '', times = '0'] = process.argv.slice(2);
let left = Number(times);

function pass(name: string): void {
  if (name !== point) return;
  left -= 1;
  if (left > 0) return;
  if (point === 'outside') writeSync(1, '.');
  else process.kill(process.pid, 'SIGKILL');
}

const options = shopOptions();
const sources: readonly ModelSource[] = options.from.map((stream) => ({
  stream: streamName(stream),
  decode: (event) => {
    pass('decode');
    return { ...event, data: jsonData(event) };
  },
}));
const killing = (handler: ShopHandler): ShopHandler => {
  return async (event, tx) => {
    pass('handle');
    pass('outside');
    await handler(event, tx);
    pass('between');
    await tx.updateTable('carriers').set({ parcels: 0 }).where('carrier', '=', 'nobody').execute();
    pass('end');
  };
};
const on = Object.fromEntries(Object.entries(options.on).map(([type, handler]) => [type, killing(handler)]));
const model = readModel<readonly ModelSource[], ShopTables>('shop', { ...options, from: sources, on });

await using store = await openSqliteStore(log);
const db = connectTo<ShopTables>(database);
await using run = await runReadModel(store, model, { db, batchSize: 7 });
const { position: head = position(0n) } = await store.head();
for (let at = run.status().position ?? position(0n); at < head; at = run.status().position ?? at) {
  await run.reached(position(at + 1n), { timeoutMs: 60_000 });
  pass('after');
}
await run[Symbol.asyncDispose]();
await db.destroy();
