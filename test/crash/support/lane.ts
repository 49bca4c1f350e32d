import { revision, type EventStore, type Revision, type StreamName } from 'daybook';

import { batchEvents, tickOf, tortureStream } from './checkable-event.ts';

/** What a lane needs of a store. */
export type LaneStore = Pick<EventStore, 'append' | 'appendAll' | 'readStream'>;

/** That a batch was acknowledged, and where. */
export interface Ack {
  readonly writer: string;
  readonly batch: number;
  /** Of the first event of the batch in its (first) stream. */
  readonly firstRevision: bigint;
  /** Of the last event of the batch. */
  readonly position: bigint;
}

/** An ack as a line of text, and back. */
export function formatAck({ writer, batch, firstRevision, position }: Ack): string {
  return `${writer} ${batch} ${firstRevision} ${position}\n`;
}

export function parseAck(line: string): Ack {
  const [writer = '', batch, firstRevision = '', position = ''] = line.split(' ');
  return { writer, batch: Number(batch), firstRevision: BigInt(firstRevision), position: BigInt(position) };
}

/** A line among acks: that a part of a scenario began, or that a file is there with all that was acknowledged before. */
export function formatNote(what: 'began' | 'made', name: string): string {
  return `${what} ${name}\n`;
}

/** The name that a line says it of, if it does. */
export function parseNote(what: 'began' | 'made', line: string): string | undefined {
  return line.startsWith(`${what} `) ? line.slice(what.length + 1) : undefined;
}

export interface LaneOptions {
  readonly writer: string;
  /** One: batches are appended to it. Two: each batch is split over both with `appendAll`. Default: 1. */
  readonly streams?: 1 | 2 | undefined;
  /** Events in a batch. Default: 1 to 5, as the number of the batch has it. */
  readonly size?: number | undefined;
  /** Stop after this many batches. Default: never. */
  readonly batches?: number | undefined;
  /** Called as soon as the store has acknowledged a batch. */
  readonly onAck: (ack: Ack) => void;
}

/** Appends batch after batch, beginning behind the last one that the store already holds, whoever appended it. */
export async function runLane(
  store: LaneStore,
  { writer, streams = 1, size, batches = Infinity, onAck }: LaneOptions,
): Promise<void> {
  const first = tortureStream(writer, 0);
  const second = tortureStream(writer, 1);
  let ends = await Promise.all([endOf(store, first), streams === 2 ? endOf(store, second) : undefined]);
  let batch = Math.max(...ends.map((end) => end?.batch ?? -1)) + 1;
  for (let done = 0; done < batches; done++, batch++) {
    const events = batchEvents(writer, batch, size);
    if (streams === 1 || events.length === 1) {
      const appended = await store.append(first, events, { expected: ends[0]?.revision ?? 'no-stream' });
      onAck({ writer, batch, firstRevision: appended.firstRevision, position: appended.position });
      ends = [{ batch, revision: appended.revision }, ends[1]];
    } else {
      const half = Math.ceil(events.length / 2);
      const appended = await store.appendAll([
        { stream: first, events: events.slice(0, half), expected: ends[0]?.revision ?? 'no-stream' },
        { stream: second, events: events.slice(half), expected: ends[1]?.revision ?? 'no-stream' },
      ]);
      const [one, two] = appended.streams;
      if (one === undefined || two === undefined) throw new Error(`appendAll answered for ${appended.streams.length}`);
      onAck({ writer, batch, firstRevision: one.firstRevision, position: two.position });
      ends = [
        { batch, revision: one.revision },
        { batch, revision: two.revision },
      ];
    }
  }
}

interface End {
  readonly batch: number;
  readonly revision: Revision;
}

async function endOf(store: LaneStore, stream: StreamName): Promise<End | undefined> {
  for await (const event of store.readStream(stream, { direction: 'backwards', limit: 1 })) {
    const tick = tickOf(event);
    if (tick === undefined) throw new Error(`Event ${event.revision} of ${stream} is not what was appended.`);
    return { batch: tick.batch, revision: revision(event.revision) };
  }
  return undefined;
}
