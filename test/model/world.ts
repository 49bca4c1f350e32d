import assert from 'node:assert/strict';

import {
  parseStreamMetadata,
  type EventStore,
  type RecordedEvent,
  type StreamMetadata,
  type SubscriptionMessage,
} from 'daybook';
import type { AsyncCommand } from 'fast-check';

import type { Clock, LogUnderTest } from './adapters.ts';
import { tombstoneMark, type ModelEvent, type ModelLog, type ModelMetadata } from './model-log.ts';

/** The names of one run, so that runs can share a log. */
export interface Names {
  readonly prefix: string;
  readonly streams: readonly string[];
  readonly types: readonly string[];
  readonly derived: readonly string[];
}

/** A subscription that stays open over many commands, and what it still has to give. */
export interface OpenFollower {
  readonly stream: string;
  readonly messages: AsyncIterator<SubscriptionMessage>;
  readonly owed: { event: ModelEvent; number: bigint | undefined }[];
  /** A derived stream's number of the event that comes next. */
  nextNumber: bigint;
}

/** The store that is held against the model. */
export interface World {
  readonly log: LogUnderTest;
  readonly clock: Clock;
  readonly names: Names;
  readonly followers: OpenFollower[];
  store: EventStore;
}

export type Command = AsyncCommand<ModelLog, World>;

let runs = 0;

/** Names that no other run of this process uses, nor another process on the same log. */
export function newNames(): Names {
  runs += 1;
  const prefix = `m${process.pid}x${Date.now().toString(36)}x${runs}`;
  const [a, b] = [`${prefix}a`, `${prefix}b`];
  const types = [`${prefix}Placed`, `${prefix}Shipped`];
  return {
    prefix,
    streams: [`${a}-1`, `${a}-2`, `${b}-1-x`, `${prefix}plain`],
    types,
    derived: [`$ce-${a}`, `$ce-${b}`, ...types.map((type) => `$et-${type}`), `$category-${a}`, `$bc-${prefix}`],
  };
}

/** Fails unless the store gave exactly these events. */
export function checkEvents(
  found: readonly RecordedEvent[],
  expected: readonly ModelEvent[],
  numbers?: readonly bigint[],
): void {
  const [real, model] = [found.map(placeOf), expected.map(placeOf)];
  assert.deepEqual(real, model);
  for (const [index, event] of found.entries()) checkEvent(event, expected[index]!, numbers?.[index]);
  if (numbers !== undefined)
    assert.deepEqual(
      found.map(({ link }) => link?.revision),
      numbers,
    );
}

/** Fails unless the event is the one of the model. */
export function checkEvent(event: RecordedEvent, expected: ModelEvent, number?: bigint): void {
  assert.equal(placeOf(event), placeOf(expected));
  assert.equal(event.type, expected.type);
  if (expected.id !== undefined) assert.equal(event.id, expected.id);
  if (expected.data !== undefined) assert.equal(Buffer.from(event.data).toString(), expected.data);
  if (expected.says !== undefined && expected.data === undefined) {
    assert.deepEqual(parseStreamMetadata(event.data), storedMetadata(expected.says));
  }
  if (expected.position !== undefined) assert.equal(event.position, expected.position);
  assert.equal(event.created.getTime(), expected.createdMs);
  assert.equal(event.link?.revision, number);
}

/** Metadata as the contract's type has them. */
export function storedMetadata({ owner, truncateBefore, ...limits }: ModelMetadata): StreamMetadata {
  return {
    ...limits,
    // A revision of the model is one of the store; 0 hides nothing and counts as absent.
    ...(truncateBefore !== undefined &&
      truncateBefore > 0n && { truncateBefore: truncateBefore as NonNullable<StreamMetadata['truncateBefore']> }),
    custom: owner === undefined ? {} : { owner },
  };
}

/** Adds an event to the model and to what open subscriptions owe. */
export function record(model: ModelLog, world: World, event: ModelEvent): ModelEvent {
  for (const follower of world.followers) {
    const gathered = model.gathered(follower.stream);
    if (gathered === undefined) {
      if (event.stream === follower.stream) follower.owed.push({ event, number: undefined });
    } else if (gathered.includes(event)) {
      follower.owed.push({ event, number: follower.nextNumber });
      follower.nextNumber += 1n;
    }
  }
  return event;
}

function placeOf({ stream, revision }: { readonly stream: string; readonly revision: bigint }): string {
  return `${revision === tombstoneMark ? 'tombstone' : revision}@${stream}`;
}
