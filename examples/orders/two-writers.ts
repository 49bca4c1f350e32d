import { jsonEvent, streamName } from 'daybook';
import { openSqliteStore } from 'daybook/sqlite';

await using store = await openSqliteStore('orders.db');
const order = streamName('CustomerOrder-7');
await store.append(order, [jsonEvent({ type: 'OrderCreated', data: { total: '100.00' } })], { expected: 'no-stream' });

// Two writers have read the stream up to the same event, and both decide.
const { revision: seen = 'no-stream' } = await store.streamState(order);

const shipped = jsonEvent({ type: 'OrderShipped', data: { carrier: 'fedex' } });
const first = await store.append(order, [shipped], { expected: seen });
console.log(`first writer: ${first.outcome} at ${first.revision}`);

try {
  const cancelled = jsonEvent({ type: 'OrderCancelled', data: { reason: 'changed my mind' } });
  await store.append(order, [cancelled], { expected: seen });
} catch (error) {
  if (!(error instanceof Error && 'code' in error && error.code === 'wrong-expected-revision')) throw error;
  console.log(`second writer: ${error.message}`);
}

const again = await store.append(order, [shipped], { expected: seen });
console.log(`first writer, once more: ${again.outcome} at ${again.revision}`);
