import assert from 'node:assert/strict';
import { it } from 'node:test';

import { openMemoryStore } from '../memory/index.ts';
import type { NewEvent } from '../store/event.ts';
import { jsonEvent } from '../store/json-event.ts';
import { streamName } from '../store/stream-name.ts';
import { countedAtMost, whatWaits } from './waiting.ts';

const order = streamName('Order-1');
const all = streamName('$all');
const ordered = jsonEvent({ type: 'OrderPlaced', data: {} });
const beats = (many: number): NewEvent[] => Array.from({ length: many }, () => jsonEvent({ type: 'Beat', data: {} }));

it('in $all, what Daybook says about itself does not wait', async () => {
  await using store = openMemoryStore();
  assert.deepEqual(await whatWaits(store, all, -1n), { end: -1n, lagEvents: 0n, oldest: undefined });
  const { position } = await store.append(order, [ordered], { expected: 'any' });
  const waiting = await whatWaits(store, all, -1n);
  assert.deepEqual([waiting.lagEvents, waiting.oldest?.id], [1n, ordered.id]);
  const { position: end } = await store.append(streamName('$beats'), beats(3), { expected: 'any' });
  assert.deepEqual(await whatWaits(store, all, position), { end, lagEvents: 0n, oldest: undefined });
  assert.equal((await whatWaits(store, all, -1n)).lagEvents, 1n);
});

it('in $all, so many such events in a row wait all the same: whoever handles them all has passed them', async () => {
  await using store = openMemoryStore();
  const many = beats(countedAtMost);
  await store.append(streamName('$beats'), many.slice(1), { expected: 'any' });
  assert.equal((await whatWaits(store, all, -1n)).oldest, undefined);
  await store.append(streamName('$beats'), many.slice(0, 1), { expected: 'any' });
  const { lagEvents, oldest } = await whatWaits(store, all, -1n);
  assert.deepEqual([lagEvents, oldest?.id], [BigInt(countedAtMost), many[1]?.id]);
});
