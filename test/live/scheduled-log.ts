import {
  categoryStream,
  jsonEvent,
  streamName,
  type Position,
  type RecordedEvent,
  type Revision,
  type Subscription,
} from 'daybook';
import type * as fc from 'fast-check';

import type { LiveHub } from '../../packages/daybook/src/internal/live-hub.ts';
import { allSubscription, streamSubscription, type ReadLivePage } from '../../packages/daybook/src/internal/live.ts';
import { allLivePages, streamLivePages } from '../../packages/daybook/src/memory/live-pages.ts';
import { Log, recorded } from '../../packages/daybook/src/memory/log.ts';

/** What is subscribed to. */
export type Kind = 'stream' | 'category' | 'all';

/** One step of a writer: so many events to one of two streams, handed over by `publish` or only by `skip`. */
export interface Step {
  readonly stream: 0 | 1;
  readonly events: number;
  readonly isSkipped: boolean;
}

const streams = [streamName('Order-1'), streamName('Order-2')] as const;
const filter = { streamPrefixes: ['Order-1'] };

/** A log whose appends, pages and notifications happen in the order that a scheduler chooses. */
export class ScheduledLog {
  readonly #log = new Log();
  readonly #hub: LiveHub;
  readonly #scheduler: fc.Scheduler;
  #published = 0;

  constructor(hub: LiveHub, scheduler: fc.Scheduler) {
    this.#hub = hub;
    this.#scheduler = scheduler;
  }

  /** What a subscription of a kind has to give, as text, in order. */
  expected(kind: Kind): readonly string[] {
    const events = this.#log.events.filter(({ stream }) => kind === 'category' || stream === streams[0]);
    return events.map((event, index) => `${kind === 'category' ? index : event.revision}:${event.id}`);
  }

  /** Appends in steps: each is committed first, and published after that, in the order of the log. */
  async write(steps: readonly Step[]): Promise<void> {
    for (const { stream, events, isSkipped } of steps) {
      await this.#turn('commit');
      for (let i = 0; i < events; i += 1) this.#log.add(streams[stream], jsonEvent({ type: 'Placed', data: i }), 0);
      await this.#turn('notify');
      const published = this.#log.events.slice(this.#published).map(recorded);
      this.#published = this.#log.end;
      if (isSkipped) this.#hub.skip(BigInt(this.#log.end) as Position); // The end of the log.
      else this.#hub.publish(published);
    }
  }

  /** Subscribes, takes some pages, leaves, and subscribes again after the last event, until it is told to stop. */
  async follow(kind: Kind, { stays, signal }: { stays: readonly number[]; signal: AbortSignal }): Promise<string[]> {
    const seen: string[] = [];
    let after: bigint | undefined;
    try {
      for (const pages of [...stays, Infinity]) {
        let left = pages;
        for await (const page of this.#subscription(kind, after, signal).pages()) {
          await this.#turn('handle');
          for (const message of page) {
            if (message.kind === 'event') seen.push(textOf(message.event));
            if (message.kind === 'event') after = placeOf(kind, message.event);
            if (message.kind === 'checkpoint') after = message.position;
          }
          left -= 1;
          if (left <= 0) break;
        }
        await this.#turn('reconnect');
      }
    } catch (error) {
      if (error !== signal.reason) throw error;
    }
    return seen;
  }

  #subscription(kind: Kind, after: bigint | undefined, signal: AbortSignal): Subscription {
    // Where the last event, or a checkpoint, stood.
    const [revision, position] = [after as Revision | undefined, after as Position | undefined];
    if (kind === 'all') {
      const read = this.#slowly(allLivePages(this.#log, filter));
      return allSubscription(this.#hub, { after: position, filter, checkpointEvery: 3, signal, read });
    }
    const stream = kind === 'category' ? categoryStream('Order') : streams[0];
    const read = this.#slowly(streamLivePages(this.#log, { stream, links: 'resolve', now: () => 0 }));
    return streamSubscription(this.#hub, { stream, after: revision, signal, read });
  }

  /** Pages that are asked for at one time, read at another and arrive at a third, and are small. */
  #slowly(read: ReadLivePage): ReadLivePage {
    return async (after, look) => {
      await this.#turn('ask');
      const page = await read(after, Math.min(look, 3));
      await this.#turn('arrive');
      return page;
    };
  }

  async #turn(label: string): Promise<void> {
    await this.#scheduler.schedule(Promise.resolve(), label);
  }
}

function textOf({ id, revision, link }: RecordedEvent): string {
  return `${link?.revision ?? revision}:${id}`;
}

function placeOf(kind: Kind, { position, revision, link }: RecordedEvent): bigint {
  return kind === 'all' ? position : (link?.revision ?? revision);
}
