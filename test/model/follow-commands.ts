import assert from 'node:assert/strict';

import { revision, streamName, type RecordedEvent, type SubscriptionMessage } from 'daybook';

import type { ModelLog } from './model-log.ts';
import { anyStream } from './read-commands.ts';
import { checkEvent, checkEvents, type Command, type World } from './world.ts';

/** How long a subscription may take to give what it owes. */
const patienceMs = 5_000;

/** Subscribes after a revision, checks what comes until it has caught up, and stays subscribed. */
export class Follow implements Command {
  readonly #plan: { readonly stream: number; readonly after: number | 'start' | 'end' };

  constructor(plan: { readonly stream: number; readonly after: number | 'start' | 'end' }) {
    this.#plan = plan;
  }

  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    const stream = anyStream(world.names, this.#plan.stream);
    const after = typeof this.#plan.after === 'number' ? revision(this.#plan.after) : this.#plan.after;
    const subscription = world.store.subscribeToStream(streamName(stream), { after });
    const messages = subscription[Symbol.asyncIterator]();
    const gathered = model.gathered(stream);
    if (gathered === undefined && model.isTombstoned(stream)) {
      await assert.rejects(untilCaughtUp(messages), { code: 'stream-tombstoned' });
      return;
    }
    const found = await untilCaughtUp(messages);
    const events = gathered ?? model.of(stream);
    const seen = after === 'start' ? -1n : after === 'end' ? BigInt(events.length) : after;
    const expected = events
      .map((event, number) => ({ event, number: BigInt(number) }))
      .filter(({ event, number }) => number > seen && model.isVisible(event));
    checkEvents(
      found,
      expected.map(({ event }) => event),
      gathered === undefined ? undefined : expected.map(({ number }) => number),
    );
    if (typeof after === 'bigint' && after >= BigInt(events.length)) return void (await messages.return?.());
    world.followers.push({ stream, messages, owed: [], nextNumber: BigInt(events.length) });
  }

  toString(): string {
    return `follow ${JSON.stringify(this.#plan)}`;
  }
}

/** Takes what open subscriptions owe, and leaves those of tombstoned streams. */
export class Drain implements Command {
  check(): boolean {
    return true;
  }

  async run(model: ModelLog, world: World): Promise<void> {
    for (const follower of world.followers.slice()) {
      for (const { event, number } of follower.owed.splice(0)) {
        checkEvent(await nextEvent(follower.messages), event, number);
      }
      const isOrdinaryStream = model.gathered(follower.stream) === undefined && !follower.stream.startsWith('$$');
      if (!isOrdinaryStream || !model.isTombstoned(follower.stream)) continue;
      await assert.rejects(bounded(follower.messages.next()), { code: 'stream-tombstoned' });
      world.followers.splice(world.followers.indexOf(follower), 1);
    }
  }

  toString(): string {
    return 'drain';
  }
}

/** Leaves all open subscriptions. */
export async function leaveAll(world: World): Promise<void> {
  for (const { messages } of world.followers.splice(0)) await bounded(Promise.resolve(messages.return?.()));
}

async function untilCaughtUp(messages: AsyncIterator<SubscriptionMessage>): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  for (;;) {
    const { value, done } = await bounded(messages.next());
    assert.ok(done !== true, 'the subscription ended');
    if (value.kind === 'caught-up') return events;
    if (value.kind === 'event') events.push(value.event);
  }
}

async function nextEvent(messages: AsyncIterator<SubscriptionMessage>): Promise<RecordedEvent> {
  for (;;) {
    const { value, done } = await bounded(messages.next());
    assert.ok(done !== true, 'the subscription ended');
    if (value.kind === 'event') return value.event;
  }
}

async function bounded<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new assert.AssertionError({ message: 'nothing came' })), patienceMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
