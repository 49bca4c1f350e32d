import type { EventStore } from '../store/event-store.ts';
import type { RecordedEvent } from '../store/event.ts';
import type { ExpectedRevision } from '../store/expected-revision.ts';
import type { Revision } from '../store/position.ts';
import type { Clock } from './clock.ts';
import { ConsumerTakenOver } from './errors.ts';
import { isConflict } from './failures.ts';
import type { Host } from './host.ts';
import { appendTo, fieldsOf, lastEvent, numberIn, textIn } from './journal.ts';
import { leaseStreamOf } from './names.ts';

/** Events of a lease that are kept: who held it, for a while back. */
const keptLeaseEvents = 1_000;

/** Who stands by looks so many times in the time that a lease lasts. */
const looksPerLease = 4;

export interface LeaseOptions {
  readonly consumer: string;
  /** It lasts so long without being renewed. */
  readonly leaseMs: number;
  readonly clock: Clock;
  readonly host: Host;
}

/** What the last event of a lease stream says. */
interface Held {
  readonly revision: Revision;
  readonly token: number;
  readonly holder: string;
  readonly leaseMs: number;
  readonly isReleased: boolean;
}

/**
 * Waits until this instance is the active one, and makes it so. While another one renews its lease, this stands by; it
 * takes over when that has not happened for as long as the lease lasts, by this process's monotonic clock. Of several
 * that try, the expected revision lets one win.
 *
 * `waiting` is called with the holder while somebody else is active.
 */
export async function acquireLease(
  store: EventStore,
  options: LeaseOptions,
  { signal, waiting }: { readonly signal: AbortSignal; readonly waiting: (holder: string) => void },
): Promise<Lease> {
  const { consumer, leaseMs, clock, host } = options;
  let seen: { readonly revision: Revision; readonly atMs: number } | undefined;
  for (;;) {
    signal.throwIfAborted();
    const held = await readLease(store, consumer);
    const nowMs = clock.monotonicMs();
    if (held !== undefined && seen?.revision !== held.revision) seen = { revision: held.revision, atMs: nowMs };
    const isOver = held === undefined || held.isReleased || held.holder === host.holder || host.isGone(held.holder);
    if (isOver || (seen !== undefined && nowMs - seen.atMs >= held.leaseMs)) {
      const token = (held?.token ?? 0) + 1;
      const lease = await Lease.acquire(store, options, { token, expected: held?.revision ?? 'no-stream' });
      if (lease !== undefined) return lease;
      continue;
    }
    waiting(held.holder);
    await clock.sleep(Math.min(leaseMs, held.leaseMs) / looksPerLease, signal);
  }
}

/** The right to be the active instance of a consumer, for as long as it is renewed. */
export class Lease {
  /** Grows with each owner: a stale one is told by it. */
  readonly token: number;
  readonly #store: EventStore;
  readonly #options: LeaseOptions;
  #revision: Revision;
  /** By the monotonic clock. */
  #validUntilMs: number;

  private constructor(
    store: EventStore,
    options: LeaseOptions,
    facts: { token: number; revision: Revision; validUntilMs: number },
  ) {
    this.#store = store;
    this.#options = options;
    this.token = facts.token;
    this.#revision = facts.revision;
    this.#validUntilMs = facts.validUntilMs;
  }

  /** A new lease, or nothing when another instance was faster. */
  static async acquire(
    store: EventStore,
    options: LeaseOptions,
    { token, expected }: { readonly token: number; readonly expected: ExpectedRevision },
  ): Promise<Lease | undefined> {
    // Measured from before the append: whoever stands by counts from when it sees the event, which is later.
    const validUntilMs = options.clock.monotonicMs() + options.leaseMs;
    try {
      const revision = await append(store, options, { type: 'LeaseAcquired', token, expected });
      return new Lease(store, options, { token, revision, validUntilMs });
    } catch (error) {
      if (isConflict(error)) return undefined;
      throw error;
    }
  }

  /** Whether nobody can have taken over yet. `false` after a process was stopped for longer than the lease lasts. */
  get isValid(): boolean {
    return this.#options.clock.monotonicMs() < this.#validUntilMs;
  }

  /**
   * Makes it last from now on.
   *
   * @throws ConsumerTakenOver when another instance has it.
   */
  async renew(): Promise<void> {
    const validUntilMs = this.#options.clock.monotonicMs() + this.#options.leaseMs;
    await this.#append('LeaseRenewed');
    this.#validUntilMs = validUntilMs;
  }

  /** Lets others take over at once. Does nothing when one has already. */
  async release(): Promise<void> {
    try {
      await this.#append('LeaseReleased');
    } catch (error) {
      if (!(error instanceof ConsumerTakenOver)) throw error;
    }
  }

  async #append(type: LeaseEventType): Promise<void> {
    const { token } = this;
    try {
      this.#revision = await append(this.#store, this.#options, { type, token, expected: this.#revision });
    } catch (error) {
      if (isConflict(error)) throw new ConsumerTakenOver(this.#options.consumer, token);
      throw error;
    }
  }
}

type LeaseEventType = 'LeaseAcquired' | 'LeaseRenewed' | 'LeaseReleased';

async function append(
  store: EventStore,
  { consumer, leaseMs, clock, host }: LeaseOptions,
  { type, token, expected }: { type: LeaseEventType; token: number; expected: ExpectedRevision },
): Promise<Revision> {
  const at = new Date(clock.now()).toISOString();
  const data = { token, holder: host.holder, host: host.name, leaseMs, at };
  const journal = { stream: leaseStreamOf(consumer), keepEvents: keptLeaseEvents };
  const appended = await appendTo(store, journal, { type, data, expected });
  return appended.revision;
}

async function readLease(store: EventStore, consumer: string): Promise<Held | undefined> {
  const last = await lastEvent(store, leaseStreamOf(consumer));
  return last === undefined ? undefined : heldIn(last);
}

function heldIn(event: RecordedEvent): Held {
  const fields = fieldsOf(event);
  return {
    revision: event.revision,
    token: numberIn(fields, 'token') ?? 0,
    holder: textIn(fields, 'holder') ?? '',
    leaseMs: numberIn(fields, 'leaseMs') ?? 0,
    isReleased: event.type === 'LeaseReleased',
  };
}
