/** A thread with an official client that appends for as long as it lives, so many times at once. */
import { workerData } from 'node:worker_threads';

import { jsonEvent, KurrentDBClient } from '@kurrent/kurrentdb-client';

const { port, inFlight } = workerData as { readonly port: number; readonly inFlight: string }; // Given by the other thread.
const client = KurrentDBClient.connectionString(`kurrentdb://127.0.0.1:${port}?tls=false`);
const lanes = Array.from({ length: Number(inFlight) }, async (_, lane) => {
  for (;;) await client.appendToStream(`Lane-${lane}`, [jsonEvent({ type: 'Appended', data: {} })]);
});
await Promise.all(lanes);
