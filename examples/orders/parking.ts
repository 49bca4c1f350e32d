import { eventTypeStream, jsonEvent, streamName } from 'daybook';
import { consumer, readParked, requestControl, runConsumer } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

await using store = await openSqliteStore('orders.db');
let isAddressKnown = false;

const labels = consumer('PrintLabels', {
  from: eventTypeStream('LabelRequested'),
  startAt: 'beginning',
  retry: { attempts: 3, then: 'park-stream', firstMs: 1 },
  handle: ({ stream, revision }) => {
    if (stream === 'CustomerOrder-8' && !isAddressKnown) throw new Error('There is no such town.');
    console.log(`label ${revision} of ${stream}`);
  },
});

const request = (): ReturnType<typeof jsonEvent> => jsonEvent({ type: 'LabelRequested', data: {} });
await store.append(streamName('CustomerOrder-8'), [request(), request()], { expected: 'no-stream' });
const last = await store.append(streamName('CustomerOrder-9'), [request()], { expected: 'no-stream' });

await using run = await runConsumer(store, labels);
await run.reached(last.position);

for (const [stream, events] of await readParked(store, 'PrintLabels')) {
  console.log(`${stream} is parked with ${events.length} events: ${events[0]?.error} (${events[0]?.attempts} tries)`);
}

isAddressKnown = true;
await requestControl(store, 'PrintLabels', { kind: 'retry', who: 'ann', why: 'The town has another name now.' });
for await (const _ of store.subscribeToStream(streamName('$parked-PrintLabels'))) {
  if ((await readParked(store, 'PrintLabels')).size === 0) break;
}
console.log('nothing is parked any more');
