import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import type { EventStore } from '../store/event-store.ts';
import type { NewEvent, RecordedEvent } from '../store/event.ts';
import type { ReadAllOptions } from '../store/options.ts';
import type { PackedEvent, PackedPage } from '../store/packed-page.ts';
import { revision, position as asPosition } from '../store/position.ts';
import { streamName } from '../store/stream-name.ts';
import type { ContractSuite } from './contract-case.ts';
import { all, newCategory, newStream, numbered } from './contract-tools.ts';

/** A read as bytes gives what the read gives. A store that does not have it is not asked. */
export const packedContract: ContractSuite = {
  name: 'read the log as bytes',
  cases: [
    {
      name: 'packed pages hold the same events in the same order, forwards and backwards',
      run: async ({ store }) => {
        const from = await variety(store);
        await assertSame(store, { from, limit: 12 });
        await assertSame(store, { direction: 'backwards', limit: 12 });
        await assertSame(store, { from, limit: 12, pageSize: 5 });
        await assertSame(store, { from, direction: 'backwards', limit: 7, pageSize: 3 });
      },
    },
    {
      name: 'packed pages end where a read ends, and begin where it begins',
      run: async ({ store }) => {
        const { position } = await store.append(newStream(), numbered(3), { expected: 'any' });
        await assertSame(store, { limit: 1 });
        await assertSame(store, { from: 'start', direction: 'backwards' });
        await assertSame(store, { from: position, limit: 1 });
        await assertSame(store, { from: asPosition(position + 1_000_000n) });
        await assertSame(store, { limit: 0 });
      },
    },
    {
      name: 'with a filter there are no packed pages, for who filters has to look',
      run: async ({ store }) => {
        assert.equal(store.readAll({ filter: { streamPrefixes: ['a'] } }).packedPages, undefined);
      },
    },
    {
      name: 'packed pages stop when they are cancelled',
      run: async ({ store }) => {
        await store.append(newStream(), numbered(20), { expected: 'any' });
        const cancelled = new AbortController();
        const { packedPages } = store.readAll({ pageSize: 2, signal: cancelled.signal });
        if (packedPages === undefined) return;
        let pages = 0;
        const reading = async (): Promise<void> => {
          for await (const _ of packedPages()) if (++pages === 2) cancelled.abort(new Error('Enough.'));
        };
        await assert.rejects(reading, { message: 'Enough.' });
        assert.equal(pages, 2);
      },
    },
  ],
};

/** Appends events of all shapes, and says where they begin. */
async function variety(store: EventStore): Promise<RecordedEvent['position']> {
  const category = newCategory();
  const odd: NewEvent = {
    id: randomUUID(),
    type: 'Größe-変更',
    data: new Uint8Array([0, 1, 255]),
    metadata: new TextEncoder().encode('{"$correlationId":"é"}'),
  };
  const empty: NewEvent = { id: randomUUID(), type: 'E', data: new Uint8Array(0), contentType: 'application/json' };
  const large: NewEvent = { id: randomUUID(), type: 'Large', data: new Uint8Array(200_000).fill(7) };
  const stream = streamName(`${category}-ü-${randomUUID()}`);
  const { position } = await store.append(stream, [odd], { expected: 'any' });
  await store.append(stream, [empty, large, { ...large, id: randomUUID() }], { expected: 'any' });
  const closed = newStream(category);
  await store.append(closed, numbered(2), { expected: 'any' });
  await store.tombstoneStream(closed, { expected: 'any' });
  await store.append(newStream(category), numbered(8), { expected: 'any' });
  return position;
}

async function assertSame(store: EventStore, options: ReadAllOptions): Promise<void> {
  const { packedPages } = store.readAll(options);
  if (packedPages === undefined) return;
  const events: RecordedEvent[] = [];
  for await (const page of packedPages()) {
    assert.ok(page.events.length > 0 && page.events.length <= (options.pageSize ?? 500));
    events.push(...page.events.map((event) => unpacked(page, event)));
  }
  assert.deepEqual(events, await all(store.readAll(options)));
}

function unpacked({ bytes }: PackedPage, event: PackedEvent): RecordedEvent {
  const text = (from: number, to: number): string => new TextDecoder().decode(bytes.subarray(from, to));
  const hex = Buffer.from(bytes.subarray(event.idAt, event.idAt + 16)).toString('hex');
  const { typeAt, streamAt, metadataAt, dataAt, end, contentType, createdMs } = event;
  return {
    stream: streamName(text(streamAt, metadataAt)),
    revision: revision(BigInt(event.revision)),
    position: asPosition(BigInt(event.position)),
    id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    type: text(typeAt, streamAt),
    data: new Uint8Array(bytes.subarray(dataAt, end)),
    metadata: new Uint8Array(bytes.subarray(metadataAt, dataAt)),
    contentType,
    created: new Date(createdMs),
  };
}
