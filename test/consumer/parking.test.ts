import assert from 'node:assert/strict';
import { describe, it } from 'node:test';

import { jsonEvent, streamName, type RecordedEvent } from 'daybook';
import { consumer, readParked, requestControl, type Consumer } from 'daybook/consumer';

import { placed, placeOf, World } from './support/world.ts';

const common = { from: placed, startAt: 'beginning', retry: { attempts: 8, then: 'park-stream' } } as const;

/** The ways to take events on: each must let the others pass by one that fails. */
const ways: readonly { readonly name: string; readonly with: (handle: (event: RecordedEvent) => void) => Consumer }[] =
  [
    { name: 'one at a time', with: (handle) => consumer('Noting', { ...common, handle }) },
    { name: 'several at once', with: (handle) => consumer('Noting', { ...common, concurrency: 8, handle }) },
    {
      name: 'in batches',
      with: (handle) => consumer('Noting', { ...common, batch: 20, handleBatch: (events) => events.forEach(handle) }),
    },
  ];

const customers = 1_000;
const poisoned = 'Customer-461';

/** What a consumer has handled, and what it met at the poisoned stream. */
class Notes {
  readonly own: string[] = [];
  /** By place of an event: how long after it was appended it was handled first. */
  readonly waits = new Map<string, number>();
  /** When the poison was tried, and how many others had been handled by then. */
  readonly tries: { readonly at: number; readonly others: number }[] = [];
  isPoison = true;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  handle(event: RecordedEvent): void {
    const now = this.#world.clock.now();
    const place = placeOf(event);
    if (event.stream !== poisoned) {
      if (!this.waits.has(place)) this.waits.set(place, now - event.created.getTime());
      return;
    }
    if (this.isPoison) {
      this.tries.push({ at: now, others: this.waits.size });
      throw new Error('poison');
    }
    this.own.push(place);
  }
}

/** An order of every customer, fifty in one append and 400 ms apart. */
async function placeRound(world: World): Promise<void> {
  for (let first = 1; first <= customers; first += 50) {
    const orders = Array.from({ length: 50 }, (_, i) => ({
      stream: streamName(`Customer-${first + i}`),
      events: [jsonEvent({ type: 'OrderPlaced', data: {} })],
      expected: 'any' as const,
    }));
    await world.memory.appendAll(orders);
    await world.clock.advance(400);
  }
}

describe('R14: poison in 1 of 1,000 streams', () => {
  for (const way of ways) {
    it(`B7 parks that stream, and no other event waits, also while it is tried again: ${way.name}`, async () => {
      await using world = new World();
      const notes = new Notes(world);
      const run = await world.run(way.with((event) => notes.handle(event)));
      for (let round = 0; round < 3; round += 1) await placeRound(world);
      assert.equal(notes.waits.size, 3 * (customers - 1));
      const late = [...notes.waits].filter(([, ms]) => ms > 0);
      assert.deepEqual(late, [], 'these waited, for so many milliseconds');
      const [first, last] = [notes.tries[0], notes.tries.at(-1)];
      assert.ok((last?.at ?? 0) - (first?.at ?? 0) > 5_000, 'its tries had no pauses in between');
      assert.ok((last?.others ?? 0) - (first?.others ?? 0) > 500, 'nothing else was handled between its tries');
      const parked = await readParked(world.store, 'Noting');
      assert.deepEqual([...parked.keys()], [poisoned]);
      assert.deepEqual(
        parked.get(poisoned)?.map(({ revision }) => revision),
        [0n, 1n, 2n],
      );
      assert.equal(run.state, 'live');
    });

    it(`B7 and the stream keeps its order when it is tried again: ${way.name}`, async () => {
      await using world = new World();
      const notes = new Notes(world);
      await world.run(way.with((event) => notes.handle(event)));
      for (let round = 0; round < 3; round += 1) await world.place(460, 461, 462);
      await world.clock.until(async () => (await readParked(world.store, 'Noting')).get(poisoned)?.length === 3);
      await world.place(461);
      notes.isPoison = false;
      await requestControl(world.store, 'Noting', { kind: 'retry', who: 'ann', why: 'mended' });
      await world.place(461, 461);
      await world.clock.settle();
      assert.deepEqual(
        notes.own,
        [0, 1, 2, 3, 4, 5].map((revision) => `${revision}@${poisoned}`),
      );
      assert.equal((await readParked(world.store, 'Noting')).size, 0);
    });
  }
});
