import { load, memoryStateCache } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';

import { goldenSample, order } from './golden-sample.ts';
import { shipmentStatus } from './order.ts';

await using store = await openSqliteStore('orders.db');
const cache = memoryStateCache({ maxEntries: 10_000 });
await store.append(order, goldenSample.slice(0, 2), { expected: 'any' });

// Exact: what came after the kept state is read and folded.
const exact = await load(store, shipmentStatus, '123456789', { cache });
console.log(`exact: mail sent ${exact.state.isEmailSent}, at revision ${exact.revision}`);

await store.append(order, goldenSample.slice(2), { expected: 'any' });

// Good enough for a list: the store is not asked while the kept state is young.
const kept = await load(store, shipmentStatus, '123456789', { cache, maxAgeMs: 5_000 });
console.log(`kept: mail sent ${kept.state.isEmailSent}, at revision ${kept.revision}`);
console.log(`it was all there was ${kept.ageMs < 5_000 ? 'less' : 'more'} than five seconds ago`);

const again = await load(store, shipmentStatus, '123456789', { cache });
console.log(`exact: mail sent ${again.state.isEmailSent}, at revision ${again.revision}`);
