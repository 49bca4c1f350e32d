import { jsonEvent, streamName } from 'daybook';
import { category, events } from 'daybook/decider';
import { openSqliteStore } from 'daybook/sqlite';
import { z } from 'zod';

const Parcel = events(
  'Parcel',
  { ParcelShipped: z.object({ carrier: z.string(), numbers: z.array(z.string()) }) },
  {
    renamed: { ParcelDispatched: 'ParcelShipped' },
    upcast: {
      ParcelShipped: [
        // 2016: carrier and number in one text.
        ({ by }: { by: string }) => ({ carrier: by.split(':')[0], number: by.split(':')[1] }),
        // 2018: one number for each parcel.
        ({ carrier, number }: { carrier: string; number: string }) => ({ carrier, numbers: [number] }),
      ],
    },
  },
);

await using store = await openSqliteStore('parcels.db');
const parcel = streamName('Parcel-1');
const history = [
  jsonEvent({ type: 'ParcelDispatched', data: { by: 'ups:a1' } }),
  jsonEvent({ type: 'ParcelShipped', data: { by: 'fedex:b2' } }),
  jsonEvent({ type: 'ParcelShipped', data: { carrier: 'dhl', number: 'c3' }, metadata: { $schemaVersion: 1 } }),
  jsonEvent({ type: 'ParcelShipped', data: { carrier: 'dhl', numbers: ['d4'] }, metadata: { $schemaVersion: 2 } }),
];
await store.append(parcel, history, { expected: 'no-stream' });

const source = category(Parcel);
for await (const stored of store.readStream(source.stream)) {
  const event = await source.decode(stored);
  console.log(event?.type, JSON.stringify(event?.data), 'was', new TextDecoder().decode(stored.data));
}
