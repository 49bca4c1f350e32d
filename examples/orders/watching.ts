import { eventTypeStream, jsonEvent, streamName } from 'daybook';
import { consumer, logTarget, runConsumer, watchConsumers } from 'daybook/consumer';
import { openSqliteStore } from 'daybook/sqlite';

await using store = await openSqliteStore('orders.db');
const shipping = consumer('Shipping', {
  from: eventTypeStream('AwaitingShipment'),
  startAt: 'beginning',
  retry: { attempts: 1 },
  handle: () => {
    throw new Error('The printer is out of paper.');
  },
});

const said: string[] = [];
await using watch = watchConsumers(store, { expect: [shipping], targets: [logTarget((line) => said.push(line))] });

await watch.look();
console.log(said.shift());

await store.append(streamName('CustomerOrder-8'), [jsonEvent({ type: 'AwaitingShipment', data: {} })], {
  expected: 'any',
});
await using run = await runConsumer(store, shipping);
while (run.state !== 'failed' || (await watch.look()).firing[0]?.rule !== 'failed') await watch.look();
console.log(`${run.state}: ${run.reason}`);
const { firing } = await watch.look();
for (const { rule, consumer: name, facts } of firing) console.log(`${rule}: ${name} at ${facts['oldestEvent']}`);
