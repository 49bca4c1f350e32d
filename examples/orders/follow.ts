import { eventTypeStream, jsonEvent, streamName } from 'daybook';
import { openSqliteStore } from 'daybook/sqlite';

await using store = await openSqliteStore('orders.db');
const shipped = jsonEvent({ type: 'OrderShipped', data: { carrier: 'fedex' } });
await store.append(streamName('CustomerOrder-8'), [shipped], { expected: 'any' });

// A read that goes on: what was there, a word that this was all of it, then what is appended, as it is appended.
for await (const message of store.subscribeToStream(eventTypeStream('OrderShipped'))) {
  if (message.kind === 'event') {
    console.log(`${message.event.link?.revision}  ${message.event.stream} was shipped`);
    if (message.event.stream === 'CustomerOrder-9') break;
  }
  if (message.kind === 'caught-up') {
    console.log('caught up');
    const next = jsonEvent({ type: 'OrderShipped', data: { carrier: 'dhl' } });
    await store.append(streamName('CustomerOrder-9'), [next], { expected: 'any' });
  }
}
