import { categoryStream, eventTypeStream } from 'daybook';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';

await using store = await openSqliteStore('orders.db');

const appended = await store.append(order, goldenSample, { expected: 'no-stream' });
console.log(`${appended.outcome}: ${order} is at revision ${appended.revision}`);

console.log(`\n${order}`);
for await (const event of store.readStream(order)) {
  console.log(`${event.revision}  ${event.type}  ${new TextDecoder().decode(event.data)}`);
}

for (const derived of [categoryStream('CustomerOrder'), eventTypeStream('OrderShipped')]) {
  console.log(`\n${derived}`);
  for await (const { link, revision, stream, type } of store.readStream(derived)) {
    console.log(`${link?.revision}  ${revision}@${stream}  ${type}`);
  }
}
