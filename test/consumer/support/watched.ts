import { StoreUnavailable, type EventStore } from 'daybook';
import {
  consumer,
  watchConsumers,
  type AlertTarget,
  type Consumer,
  type Notice,
  type WatchOptions,
} from 'daybook/consumer';

import { placed, type World } from './world.ts';

/** A target that keeps what it is told. */
function keeping(notices: Notice[]): AlertTarget {
  return { name: 'kept', send: async (notice) => void notices.push(notice) };
}

/** A consumer that does this with each order. */
export function each(name: string, handle: () => unknown = () => {}): Consumer {
  return consumer(name, { from: placed, startAt: 'beginning', handle: async () => void (await handle()) });
}

/** Watches with a clock and a store that are never out of reach, and gives what was said so far. */
export async function watched(
  world: World,
  body: (notices: Notice[]) => Promise<void>,
  options: WatchOptions & { readonly store?: EventStore } = {},
): Promise<void> {
  const notices: Notice[] = [];
  const { store = world.memory, ...rest } = options;
  const watch = watchConsumers(store, { targets: [keeping(notices)], clock: world.clock, ...rest });
  await body(notices);
  await watch[Symbol.asyncDispose]();
}

/** What was said, in short. */
export function short(notices: readonly Notice[]): readonly string[] {
  return notices.map(({ kind, alert }) => `${kind} ${alert.rule} ${alert.consumer}`);
}

/** What a store says to a process that is as good as gone. */
export const gone: Error = new StoreUnavailable('This process is cut off, as one that is gone.');
