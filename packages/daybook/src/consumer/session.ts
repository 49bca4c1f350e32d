import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import { revision } from '../store/position.ts';
import type { Position } from '../store/position.ts';
import { checkCheckpoint } from './check-checkpoint.ts';
import { CheckpointMoved, CheckpointWriter } from './checkpoint-writer.ts';
import { readCheckpoint, type Place } from './checkpoint.ts';
import type { Clock } from './clock.ts';
import type { Consumer } from './consumer.ts';
import { followControls, pauseIn, readControls, type RecordedControl } from './control.ts';
import { ConsumerFailed } from './errors.ts';
import { followSources, type SourcedEvent } from './follow-sources.ts';
import type { Host } from './host.ts';
import { Lanes } from './lanes.ts';
import type { Lease } from './lease.ts';
import { LowWater } from './low-water.ts';
import { Parking } from './parked.ts';
import type { Reporter } from './reporter.ts';
import type { SettledRunOptions } from './run-options.ts';
import type { Bell } from './scope.ts';
import { Scope } from './scope.ts';
import { startPlace } from './start-place.ts';
import { readStatus } from './status.ts';

/** What a session works with. */
export interface SessionOptions {
  readonly store: EventStore;
  readonly consumer: Consumer;
  readonly clock: Clock;
  readonly host: Host;
  readonly reporter: Reporter;
  readonly lease: Lease;
  readonly run: SettledRunOptions;
  /** Rings whenever an event is finished, or the state changes. */
  readonly bell: Bell;
}

/** So many events that wait make a live consumer one that catches up. */
const behindEvents = 500;

/** One stay at the log: from the checkpoints on, until it is stopped, moved, or something breaks. */
export class Session {
  readonly #options: SessionOptions;
  readonly #scope = new Scope();
  readonly #marks: { readonly place: Place; readonly mark: LowWater }[] = [];
  readonly #writer: CheckpointWriter;
  readonly #skips = new Map<string, RecordedControl>();
  #parking!: Parking; // `begin` comes first.
  #lanes!: Lanes;
  #controls: RecordedControl[] = [];
  #obeyed: number | undefined;
  #isCaughtUp = false;
  #finished = 0;

  private constructor(options: SessionOptions, writer: CheckpointWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /**
   * Reads the checkpoints, holds them against the log, and claims them for this instance.
   *
   * @throws ConsumerIsNew, CheckpointCollision, CheckpointAheadOfLog, CheckpointOfOtherLog, CheckpointMismatch
   */
  static async begin(options: SessionOptions): Promise<Session> {
    const { store, consumer, clock, host, lease, reporter } = options;
    const { logId, epoch } = await store.head();
    const facts = { logId, epoch, token: lease.token, host: host.name, version: consumer.version };
    const session = new Session(options, new CheckpointWriter(store, clock, facts));
    await session.#open();
    reporter.listenTo(() => session.#facts());
    return session;
  }

  /** Ends when `stop` aborts, after what was being handled is done. Throws what broke it, or CheckpointMoved. */
  async run(stop: AbortSignal): Promise<void> {
    const { run, consumer, clock, reporter, lease } = this.#options;
    const scope = this.#scope;
    scope.run((signal) => this.#pump(AbortSignal.any([signal, stop])));
    scope.run((signal) => this.#writer.run(run.checkpointEveryMs, signal));
    scope.run((signal) => this.#listen(signal));
    scope.run((signal) => this.#keepLease(lease, signal));
    scope.run(async (signal) => {
      for (;;) {
        await clock.sleep(consumer.heartbeatMs, signal);
        reporter.measure();
        await reporter.publish('ConsumerHeartbeatSent');
      }
    });
    const leave = (): void => void this.#leave();
    if (stop.aborted) leave();
    else stop.addEventListener('abort', leave, { once: true });
    try {
      await scope.ended();
    } finally {
      stop.removeEventListener('abort', leave);
      await this.#closeLanes();
    }
  }

  /** Whether everything at or before a position is handled or parked. Reads the log to know. */
  async hasReached(target: Position): Promise<boolean> {
    for (const { place, mark } of this.#marks) {
      const next = { from: revision(mark.pos + 1n), limit: 1 };
      for await (const event of this.#options.store.readStream(place.source, next)) {
        if (event.position <= target) return false;
      }
    }
    return true;
  }

  async #open(): Promise<void> {
    const { store, consumer } = this.#options;
    const { name } = consumer;
    this.#parking = await Parking.open(store, name);
    this.#controls = [...(await readControls(store, name))];
    for (const control of this.#controls) if (control.kind === 'skip') this.#skips.set(control.eventId, control);
    this.#obeyed = (await readStatus(store, name))?.obeyed;
    for (const { stream: source } of consumer.sources) {
      const place = { source, consumer: name };
      const checkpoint = await readCheckpoint(store, place);
      if (checkpoint !== undefined) await checkCheckpoint(store, place, checkpoint);
      const start = checkpoint ?? (await startPlace(store, place, consumer.startAt));
      const mark = new LowWater(start.pos, start.eventId, checkpoint?.ahead);
      await this.#writer.claim(place, mark, checkpoint?.revision ?? 'no-stream');
      this.#marks.push({ place, mark });
    }
    this.#lanes = this.#newLanes();
  }

  #newLanes(): Lanes {
    const { store, consumer, clock, lease } = this.#options;
    return new Lanes({
      store,
      consumer,
      clock,
      parking: this.#parking,
      scope: this.#scope,
      skips: ({ id }: RecordedEvent) => this.#skips.get(id),
      mayBegin: () => this.#pause() === undefined && lease.isValid && !this.#scope.signal.aborted,
      finished: (event) => this.#finish(event),
      changed: () => this.#tell(),
    });
  }

  /** Takes events from the sources into the lanes, as long as there is room. */
  async #pump(signal: AbortSignal): Promise<void> {
    const { store, bell, run } = this.#options;
    const places = this.#marks.map(({ place, mark }) => ({ stream: place.source, after: mark.pos }));
    try {
      for await (const message of followSources(store, places, { signal })) {
        if (message.kind === 'caught-up') {
          this.#isCaughtUp = true;
          this.#tell();
          continue;
        }
        for (const event of message.events) this.#deliver(event);
        this.#tell();
        this.#lanes.begin();
        while (this.#lanes.outstanding >= run.window) await bell.next(signal);
      }
    } catch (error) {
      // A stop ends only this: what was taken on is still brought to its end.
      if (!signal.aborted) throw error;
    }
  }

  #deliver(sourced: SourcedEvent): void {
    const { event, numbers } = sourced;
    for (const { source, number } of numbers) this.#marks[source]?.mark.deliver(number, event.id);
    if (numbers.every(({ source, number }) => this.#marks[source]?.mark.wasHandled(number) === true)) {
      this.#finish(sourced);
    } else {
      this.#lanes.add(sourced);
    }
  }

  #finish({ numbers }: SourcedEvent): void {
    for (const { source, number } of numbers) this.#marks[source]?.mark.finish(number);
    this.#finished += 1;
    this.#writer.moved();
    this.#options.bell.ring();
    if (this.#lanes.outstanding === 0) this.#tell();
  }

  /** Obeys what people ask for, from what was not obeyed yet on. */
  async #listen(signal: AbortSignal): Promise<void> {
    const { store, consumer } = this.#options;
    this.#schedulePause();
    const after = this.#obeyed === undefined ? 'start' : revision(this.#obeyed);
    for await (const control of followControls(store, consumer.name, { after, signal })) {
      await this.#obey(control);
      this.#obeyed = Number(control.revision);
      this.#tell();
    }
  }

  async #obey(control: RecordedControl): Promise<void> {
    const isKnown = this.#controls.some((known) => known.revision === control.revision);
    if (!isKnown) this.#controls.push(control);
    switch (control.kind) {
      case 'pause':
      case 'resume':
        if (control.kind === 'resume' && this.#lanes.halted !== undefined) this.#lanes.retry(undefined);
        this.#schedulePause();
        this.#lanes.begin();
        break;
      case 'rewind':
        if (await this.#writer.isOvertaken()) this.#scope.fail(new CheckpointMoved(control.why));
        break;
      case 'retry':
        this.#lanes.retry(control.stream);
        break;
      case 'skip':
        this.#skips.set(control.eventId, control);
        this.#lanes.retry(control.stream);
        break;
      default:
        control satisfies never;
    }
  }

  #pause(): ReturnType<typeof pauseIn> {
    return pauseIn(this.#controls, this.#options.clock.now());
  }

  /** A pause ends by itself. */
  #schedulePause(): void {
    const pause = this.#pause();
    const { clock } = this.#options;
    if (pause === undefined) return;
    this.#scope.run(async (signal) => {
      while (this.#pause() === pause) await clock.sleep(Math.max(1, pause.until.getTime() - clock.now()), signal);
      this.#tell();
      this.#lanes.begin();
    });
  }

  async #keepLease(lease: Lease, signal: AbortSignal): Promise<void> {
    const { clock, run } = this.#options;
    for (;;) {
      await clock.sleep(run.leaseMs / 3, signal);
      const wasValid = lease.isValid;
      await lease.renew();
      // Nothing was begun while nobody knew whose turn it was.
      if (!wasValid) this.#lanes.begin();
    }
  }

  /** Works out the state from what is known, and tells it. */
  #tell(): void {
    const { reporter, consumer, bell, run } = this.#options;
    if (this.#scope.signal.aborted) return;
    const pause = this.#pause();
    const { halted, outage, failing, outstanding } = this.#lanes;
    if (halted !== undefined) {
      const reason = `It has given up at ${halted.event.type} ${halted.event.revision}@${halted.event.stream}.`;
      reporter.become('failed', { reason, failing: halted });
      if (run.whenFailed === 'end') this.#scope.fail(failedAt(consumer.name, halted));
    } else if (pause !== undefined) {
      const reason = `${pause.who} has paused it until ${pause.until.toISOString()}: ${pause.why}`;
      reporter.become('paused', { reason });
    } else if (outage !== undefined) {
      reporter.become('retrying', {
        reason: 'Nothing can be handled; it waits, and tries now and then.',
        error: outage.error,
      });
    } else if (failing !== undefined) {
      const reason = `${failing.event.type} ${failing.event.revision}@${failing.event.stream} is tried again.`;
      reporter.become('retrying', { reason, failing });
    } else if (this.#isCaughtUp && outstanding < (reporter.state === 'live' ? behindEvents : 1)) {
      reporter.become('live');
    } else {
      reporter.become('catching-up');
    }
    bell.ring();
  }

  #facts(): ReturnType<Parameters<Reporter['listenTo']>[0]> {
    const { busy } = this.#lanes;
    return {
      token: this.#options.lease.token,
      places: this.#marks.map(({ place, mark }) => ({ stream: place.source, pos: mark.pos })),
      parkedStreams: this.#parking.streams.size,
      obeyed: this.#obeyed,
      busy: busy && { forMs: busy.forMs, what: `${busy.event.type} ${busy.event.revision}@${busy.event.stream}` },
      finished: this.#finished,
    };
  }

  /** Stops well: what is being handled is done, and the checkpoint says so. */
  async #leave(): Promise<void> {
    await this.#closeLanes();
    try {
      await this.#writer.flush();
      this.#scope.end();
    } catch (error) {
      this.#scope.fail(error);
    }
  }

  /** Begins nothing more, and waits for what is being handled, but not for ever. */
  async #closeLanes(): Promise<void> {
    const { clock, run } = this.#options;
    const enough = new AbortController();
    const patience = clock.sleep(run.stopMs, enough.signal);
    patience.catch(() => {}); // All was done in time.
    await Promise.race([this.#lanes.close(), patience]);
    enough.abort();
  }
}

function failedAt(name: string, { event, attempts, error }: NonNullable<Lanes['halted']>): ConsumerFailed {
  const { stream, revision: at, type } = event;
  return new ConsumerFailed(name, { attempts, at: { stream, revision: at, type } }, { cause: error });
}
