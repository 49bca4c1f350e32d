import { randomUUID } from 'node:crypto';

import { streamName, type EventStore, type NewEvent, type StreamName } from 'daybook';

import { measured, type Measured } from './measure.ts';
import type { Progress } from './output/progress.ts';

export interface BenchOptions {
  readonly store: EventStore;
  readonly events: number;
  /** Of the data of each event. */
  readonly sizeBytes: number;
  /** Appends that wait for their answer at a time. */
  readonly inFlight: number;
  readonly signal: AbortSignal;
  readonly progress: () => Progress;
}

/** Streams that the events go to. */
const streams = 100;

/** Events of one append where appending is not what is measured. */
const batchEvents = 500;

/** Measures appends of one event. */
export async function benchAppend(options: BenchOptions): Promise<Measured> {
  const { store, events, inFlight, signal } = options;
  const names = streamNames();
  using progress = options.progress();
  const times: number[] = [];
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < events) {
      signal.throwIfAborted();
      const stream = names[next % names.length] ?? names[0];
      next += 1;
      const started = performance.now();
      await store.append(stream, [newEvent(options)], { expected: 'any' });
      times.push(performance.now() - started);
      progress.update(times.length, times.length / events);
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: Math.min(inFlight, events) }, writer));
  return measured(events, performance.now() - started, times);
}

/** Measures a read of all events. The times are those of pages. */
export async function benchRead(options: BenchOptions): Promise<Measured> {
  const { store, events, signal } = options;
  const names = streamNames();
  using progress = options.progress();
  for (let count = 0; count < events; count += batchEvents) {
    signal.throwIfAborted();
    const batch = Array.from({ length: Math.min(batchEvents, events - count) }, () => newEvent(options));
    await store.append(names[(count / batchEvents) % names.length] ?? names[0], batch, { expected: 'any' });
  }
  const times: number[] = [];
  let read = 0;
  const started = performance.now();
  let last = started;
  for await (const page of store.readAll({ signal }).pages()) {
    const now = performance.now();
    times.push(now - last);
    last = now;
    read += page.length;
    progress.update(read, read / events);
  }
  return measured(read, performance.now() - started, times);
}

/** Measures how long it takes from an append until a subscriber has the event, one after the other. */
export async function benchSubscribe(options: BenchOptions): Promise<Measured> {
  const { store, events, signal } = options;
  const [stream] = streamNames();
  using progress = options.progress();
  const subscription = store.subscribeToStream(stream, { signal })[Symbol.asyncIterator]();
  const next = async (kind: string): Promise<void> => {
    for (;;) {
      const { value, done } = await subscription.next();
      if (done === true || value.kind === kind) return;
    }
  };
  await next('caught-up');
  const times: number[] = [];
  const began = performance.now();
  for (let count = 0; count < events; count++) {
    const started = performance.now();
    const arrived = next('event');
    await store.append(stream, [newEvent(options)], { expected: 'any' });
    await arrived;
    times.push(performance.now() - started);
    progress.update(count + 1, (count + 1) / events);
  }
  const result = measured(events, performance.now() - began, times);
  await subscription.return?.();
  return result;
}

function streamNames(): readonly [StreamName, ...StreamName[]] {
  const run = randomUUID().slice(0, 8);
  const [first = streamName(`Bench${run}-0`), ...others] = Array.from({ length: streams }, (_, number) =>
    streamName(`Bench${run}-${number}`),
  );
  return [first, ...others];
}

function newEvent({ sizeBytes }: BenchOptions): NewEvent {
  return {
    id: randomUUID(),
    type: 'Measured',
    data: Buffer.from(`"${'x'.repeat(sizeBytes - 2)}"`),
    contentType: 'application/json',
  };
}
