import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { attempt } from './attempt.ts';
import { backOffMs } from './back-off.ts';
import type { Clock } from './clock.ts';
import type { Consumer } from './consumer.ts';
import { HandlerTimedOut } from './errors.ts';
import { errorText } from './failures.ts';
import type { SourcedEvent } from './follow-sources.ts';
import { readParkedEvent, type ParkedEvent, type Parking } from './parked.ts';
import { ReadyQueue, type Queued } from './ready-queue.ts';
import type { Scope } from './scope.ts';
import { decideFailure } from './verdict.ts';

/** An event on its way through the pipeline. */
interface EventItem extends Queued {
  readonly kind: 'event';
  readonly sourced: SourcedEvent;
  attempts: number;
  failingSince: number | undefined;
  /** It has failed in a batch: from now on it is handled by itself. */
  isAlone: boolean;
}

/** The wish to try again what is parked of a stream. */
interface DrainItem extends Queued {
  readonly kind: 'drain';
}

type Item = EventItem | DrainItem;

/** An event that does not go through, and how often that was tried. */
export interface Failing {
  readonly event: RecordedEvent;
  readonly attempts: number;
  readonly since: number;
  readonly error: unknown;
}

/** Why nothing new is begun at the moment: nothing can be handled, until one event goes through. */
interface Outage {
  /** The last one: an outage that begins as a cut connection goes on as a server that refuses. */
  error: unknown;
  failures: number;
  /** Events that may be tried now. */
  allowance: number;
  /** Nothing is tried before it has slept. */
  isSleeping: boolean;
}

export interface LanesOptions {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly consumer: Consumer;
  readonly parking: Parking;
  readonly scope: Scope;
  /** Whether a person has skipped an event. */
  readonly skips: (event: RecordedEvent) => { readonly who: string; readonly why: string } | undefined;
  /** Whether anything may begin now. */
  readonly mayBegin: () => boolean;
  /** An event is done with: handled, parked or skipped. */
  readonly finished: (event: SourcedEvent) => void;
  /** What `failing`, `outage` and the like say is new. */
  readonly changed: () => void;
}

/** Handles events: those of one stream in their order, of several streams at once, and decides about those that fail. */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #queue = new ReadyQueue<Item>();
  /** What is being handled, and since when by the monotonic clock. */
  readonly #running = new Map<Item, number>();
  /** Events that wait for their next try. */
  readonly #waiting = new Map<EventItem, Failing>();
  /** Streams that have failed since anything succeeded. */
  readonly #failingStreams = new Set<string>();
  readonly #draining = new Set<string>();
  #outage: Outage | undefined;
  #halted: { readonly item: EventItem; readonly failing: Failing } | undefined;
  #sequence = 0;
  #outstanding = 0;
  #isClosed = false;
  #idle = Promise.withResolvers<void>();

  constructor(options: LanesOptions) {
    this.#options = options;
  }

  /** Events that were added and are not done with. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** The event that the consumer has given up at. */
  get halted(): Failing | undefined {
    return this.#halted?.failing;
  }

  /** The error that keeps every event from being handled. */
  get outage(): { readonly error: unknown } | undefined {
    return this.#outage;
  }

  /** One of the events that wait for another try. */
  get failing(): Failing | undefined {
    return this.#waiting.values().next().value;
  }

  /** The event that is being handled for the longest time. */
  get busy(): { readonly event: RecordedEvent; readonly forMs: number } | undefined {
    const now = this.#options.clock.monotonicMs();
    for (const [item, since] of this.#running) {
      if (item.kind === 'event') return { event: item.sourced.event, forMs: now - since };
    }
    return undefined;
  }

  add(sourced: SourcedEvent): void {
    const { stream } = sourced.event;
    this.#outstanding += 1;
    this.#sequence += 1;
    const fresh = { kind: 'event', attempts: 0, failingSince: undefined, isAlone: false } as const;
    this.#queue.add({ ...fresh, sourced, stream, sequence: this.#sequence });
  }

  /** Tries again: the event that the consumer halted at, and what is parked, of one stream or of all. */
  retry(stream: string | undefined): void {
    const halted = this.#halted;
    if (halted !== undefined) {
      this.#halted = undefined;
      halted.item.attempts = 0;
      this.#queue.back(halted.item);
    }
    for (const parked of this.#options.parking.streams.keys()) {
      if ((stream !== undefined && stream !== parked) || this.#draining.has(parked)) continue;
      this.#draining.add(parked);
      this.#queue.add({ kind: 'drain', stream: parked, sequence: 0 });
    }
    this.#options.changed();
    this.begin();
  }

  /** Begins what can be begun. */
  begin(): void {
    const { consumer, mayBegin } = this.#options;
    const mayGoOn = (): boolean => !this.#isClosed && this.#halted === undefined && !this.#mustWait && mayBegin();
    while (mayGoOn() && this.#running.size < consumer.concurrency) {
      const items = this.#take();
      if (items.length === 0) break;
      void this.#work(items);
    }
  }

  /** Begins nothing more, and waits for what is being handled. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running.size > 0) await this.#idle.promise;
  }

  /** Whether everything is handled in the order of the log, so that an event which is tried again holds up all others. */
  get #isStrict(): boolean {
    const { concurrency, retry } = this.#options.consumer;
    return concurrency === 1 && retry.then === 'halt';
  }

  get #mustWait(): boolean {
    return this.#isStrict && this.#waiting.size > 0;
  }

  #take(): readonly Item[] {
    const outage = this.#outage;
    const { batch } = this.#options.consumer;
    if (outage === undefined) return this.#queue.take(batch, (item) => batch > 1 && this.#mayStandInBatch(item));
    if (outage.allowance === 0) return [];
    const chance = this.#options.clock.random();
    const probe = this.#queue.takeBy(({ stream }) => this.#isStrict || !this.#failingStreams.has(stream), chance);
    if (probe !== undefined) outage.allowance -= 1;
    return probe === undefined ? [] : [probe];
  }

  #mayStandInBatch(item: Item): boolean {
    return item.kind === 'event' && !item.isAlone && !this.#options.parking.holds(item.stream);
  }

  async #work(items: readonly Item[]): Promise<void> {
    const { scope, clock } = this.#options;
    const probed = this.#outage;
    for (const item of items) this.#running.set(item, clock.monotonicMs());
    try {
      await this.#workOn(items);
    } catch (error) {
      scope.fail(error); // The store could not be written to: the session begins anew from its checkpoint.
    } finally {
      for (const item of items) this.#running.delete(item);
      // What was only parked or skipped says nothing about the outage: something else may try.
      if (probed !== undefined && probed === this.#outage && !probed.isSleeping) probed.allowance = 1;
      if (this.#running.size === 0) {
        this.#idle.resolve();
        this.#idle = Promise.withResolvers();
      }
    }
    this.begin();
  }

  async #workOn(items: readonly Item[]): Promise<void> {
    const [first] = items;
    if (items.length === 1 && first?.kind === 'drain') return this.#drain(first);
    const events = items.filter((item) => item.kind === 'event');
    if (events.length > 1) return this.#handleBatch(events);
    for (const item of events) await this.#handle(item);
  }

  async #handleBatch(items: readonly EventItem[]): Promise<void> {
    try {
      await this.#attempt(items);
    } catch (error) {
      if (this.#options.scope.signal.aborted) return;
      if (this.#options.consumer.classify(error) === 'unavailable') {
        for (const item of items.slice(1)) this.#queue.back(item);
        return this.#failed(items[0]!, error); // There are at least two.
      }
      // One of them is to blame: each goes alone, in the order they have.
      for (const item of items) {
        item.isAlone = true;
        this.#queue.back(item);
      }
      return;
    }
    this.#succeeded();
    for (const item of items) this.#finish(item);
  }

  async #handle(item: EventItem): Promise<void> {
    const { parking, skips } = this.#options;
    const { event } = item.sourced;
    if (parking.holds(event.stream)) {
      await parking.park(event, this.#parkFacts(item.sourced));
      return this.#finish(item);
    }
    if (skips(event) !== undefined) return this.#finish(item);
    try {
      await this.#attempt([item]);
    } catch (error) {
      if (this.#options.scope.signal.aborted) return;
      return this.#failed(item, error);
    }
    this.#succeeded();
    this.#finish(item);
  }

  async #attempt(items: readonly EventItem[]): Promise<void> {
    const { store, clock, consumer, scope } = this.#options;
    const attempted = items.map(({ sourced, attempts }) => ({
      event: sourced.event,
      source: sourced.numbers[0].source,
      attempt: attempts + 1,
    }));
    await attempt(consumer, attempted, { store, clock, signal: scope.signal });
  }

  async #failed(item: EventItem, error: unknown): Promise<void> {
    const { clock, consumer, parking } = this.#options;
    const { event } = item.sourced;
    const kind = consumer.classify(error);
    this.#failingStreams.add(event.stream);
    item.failingSince ??= clock.now();
    if (kind !== 'unavailable' && this.#outage === undefined) item.attempts += 1;
    const { attempts, failingSince: since } = item;
    const isStillRunning = error instanceof HandlerTimedOut && error.outcome === 'still-running';
    const facts = { kind, attempts, retry: consumer.retry, isStillRunning };
    const verdict = decideFailure({ ...facts, failingStreams: this.#failingStreams.size });
    if (verdict !== 'wait') this.#outage = undefined;
    switch (verdict) {
      case 'retry':
        this.#retryLater(item, { event, attempts, since, error });
        break;
      case 'wait':
        this.#queue.back(item);
        this.#beginOutage(error);
        break;
      case 'park':
        await parking.park(event, { ...this.#parkFacts(item.sourced), attempts, error: errorText(error) });
        this.#failingStreams.delete(event.stream);
        this.#finish(item);
        break;
      case 'halt':
        this.#halted = { item, failing: { event, attempts, since, error } };
        break;
      default:
        verdict satisfies never;
    }
    this.#options.changed();
  }

  #retryLater(item: EventItem, failing: Failing): void {
    const { clock, consumer, scope } = this.#options;
    this.#waiting.set(item, failing);
    const ms = backOffMs(item.attempts, clock, consumer.retry);
    scope.run(async (signal) => {
      await clock.sleep(ms, signal);
      this.#waiting.delete(item);
      this.#queue.back(item);
      this.#options.changed();
      this.begin();
    });
  }

  /** Waits with everything, and lets one event try now and then. */
  #beginOutage(error: unknown): void {
    const { clock, consumer, scope } = this.#options;
    const outage = (this.#outage ??= { error, failures: 0, allowance: 0, isSleeping: false });
    outage.error = error;
    // Those that were under way when it began fail too, and that says nothing new.
    if (outage.allowance > 0 || outage.isSleeping) return;
    outage.failures += 1;
    outage.isSleeping = true;
    scope.run(async (signal) => {
      await clock.sleep(backOffMs(outage.failures, clock, consumer.retry), signal);
      outage.isSleeping = false;
      outage.allowance = 1;
      this.begin();
    });
  }

  #succeeded(): void {
    this.#failingStreams.clear();
    if (this.#outage === undefined) return;
    this.#outage = undefined;
    this.#options.changed();
  }

  #finish(item: EventItem): void {
    this.#outstanding -= 1;
    this.#queue.done(item);
    this.#options.finished(item.sourced);
  }

  #parkFacts({ numbers: [at] }: SourcedEvent): { readonly source: string; readonly at: SourcedEvent['numbers'][0] } {
    return { source: this.#options.consumer.sources[at.source]?.stream ?? '', at };
  }

  /** Tries what is parked of a stream, in order, until one fails. */
  async #drain(item: DrainItem): Promise<void> {
    const { parking } = this.#options;
    for (let parked = parking.firstOf(item.stream); parked !== undefined; parked = parking.firstOf(item.stream)) {
      if (!(await this.#tryParked(parked))) break;
    }
    this.#draining.delete(item.stream);
    this.#queue.done(item);
    this.#options.changed();
  }

  async #tryParked(parked: ParkedEvent): Promise<boolean> {
    const { store, clock, consumer, parking, scope, skips } = this.#options;
    const event = await readParkedEvent(store, parked);
    const skip = event === undefined ? { who: consumer.name, why: 'The event was deleted.' } : skips(event);
    if (event === undefined || skip !== undefined) {
      await parking.unpark(parked, { type: 'ParkedEventSkipped', who: skip?.who ?? '', why: skip?.why ?? '' });
      return true;
    }
    const source = Math.max(
      0,
      consumer.sources.findIndex(({ stream }) => stream === parked.source),
    );
    const number = (parked.attempts ?? 0) + 1;
    try {
      await attempt(consumer, [{ event, source, attempt: number }], { store, clock, signal: scope.signal });
    } catch (error) {
      if (!scope.signal.aborted) await parking.failAgain(parked, errorText(error));
      return false;
    }
    await parking.unpark(parked, { type: 'ParkedEventHandled' });
    return true;
  }
}
