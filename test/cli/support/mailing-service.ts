/**
 * A service as users write one: mails for shipped orders, from `./daybook.db`, until it is killed. It fails at orders
 * whose stream name says so, while there is a file `broken`.
 */
import { existsSync, writeSync } from 'node:fs';

import { eventTypeStream } from 'daybook';
import { consumer, runConsumer } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

await using store = await openSqliteStore('daybook.db');
const mailing = consumer('Mailing', {
  from: eventTypeStream('OrderShipped'),
  startAt: 'beginning',
  heartbeatMs: 200,
  freshnessMs: 1_000,
  retry: { attempts: 2, then: 'park-stream', firstMs: 10 },
  handle: (event) => {
    if (event.stream.endsWith('poison') && existsSync('broken')) throw new Error('no such address');
    writeSync(1, `mailed ${event.revision}@${event.stream}\n`);
  },
});
const run = await runConsumer(store, mailing);
writeSync(1, 'ready\n');
await run.done;
