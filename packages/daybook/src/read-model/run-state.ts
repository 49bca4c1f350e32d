import { channel } from 'node:diagnostics_channel';

import type { Clock } from '../consumer/clock.ts';
import type { Position, Revision } from '../store/position.ts';
import type { Checkpoint } from './bookkeeping.ts';
import { ReadModelStopped } from './errors.ts';

/**
 * What a run is doing.
 *
 * - `standing-by`: another instance writes; this one takes over when it is gone.
 * - `catching-up`: there are events that are not in the tables yet.
 * - `live`: the tables show everything there is.
 * - `paused`: a person wants it so, until a time.
 * - `retrying`: something failed, and is tried again.
 * - `failed`: it was tried often enough. Nothing goes on by itself.
 */
export type RunStateName =
  | 'starting'
  | 'standing-by'
  | 'catching-up'
  | 'live'
  | 'paused'
  | 'retrying'
  | 'failed'
  | 'stopped';

/** A run as others see it. Published on the diagnostics channel `daybook:read-model` whenever the state changes. */
export interface RunStatus {
  readonly model: string;
  readonly state: RunStateName;
  /** Everything up to here is in the tables, as far as it concerns them. */
  readonly position: Position | undefined;
  /** Failures since the last batch that succeeded, and when the first of them was. */
  readonly failures: number;
  readonly failingSince: Date | undefined;
  readonly lastError: unknown;
  /** Why it is paused. */
  readonly reason: string | undefined;
  /** When the last of these failures, or the change to this state, was. */
  readonly since: Date;
  /** The tables were built by other code than this process runs. */
  readonly needsRebuild: boolean;
}

const statuses = channel('daybook:read-model');

/** Holds what a run says about itself, and wakes those who wait for it. */
export class RunState {
  readonly model: string;
  readonly #clock: Clock;
  #state: RunStateName = 'starting';
  #position: Position | undefined;
  #failures = 0;
  #failingSince: Date | undefined;
  #finished = 0;
  #lastError: unknown;
  #since: Date;
  #needsRebuild = false;
  #reason: string | undefined;
  #numbers: ReadonlyMap<string, Revision> = new Map();
  #listener: () => void = () => {};
  #changed = Promise.withResolvers<void>();

  constructor(model: string, clock: Clock) {
    this.model = model;
    this.#clock = clock;
    this.#since = new Date(clock.now());
  }

  status(): RunStatus {
    return {
      model: this.model,
      state: this.#state,
      position: this.#position,
      failures: this.#failures,
      failingSince: this.#failingSince,
      lastError: this.#lastError,
      reason: this.#reason,
      since: this.#since,
      needsRebuild: this.#needsRebuild,
    };
  }

  /** Calls `listener` after every change of the state. */
  listen(listener: () => void): void {
    this.#listener = listener;
  }

  /** By source: the last number that is in the tables. */
  numbers(): ReadonlyMap<string, Revision> {
    return this.#numbers;
  }

  /** Events that this run has put into the tables. */
  get finished(): number {
    return this.#finished;
  }

  become(state: RunStateName, reason?: string): void {
    if (state === this.#state && reason === this.#reason) return;
    // Another try is no news: since when it fails is.
    if (state === 'catching-up' && this.#state === 'retrying' && this.#failures > 0) return;
    this.#state = state;
    this.#reason = reason;
    this.#since = new Date(this.#clock.now());
    this.#tell();
  }

  /** The tables show everything up to here. */
  arrived(position: Position, numbers: ReadonlyMap<string, Revision>): void {
    this.#position = position;
    this.#numbers = numbers;
    this.#wake();
  }

  /** A batch of so many events went through; or, without one, there was nothing to do. */
  succeeded(events = 0): void {
    this.#finished += events;
    this.#failures = 0;
    this.#failingSince = undefined;
    this.#lastError = undefined;
  }

  failed(error: unknown): number {
    this.#failures += 1;
    this.#failingSince ??= new Date(this.#clock.now());
    this.#lastError = error;
    return this.#failures;
  }

  knows(checkpoint: Checkpoint, code: string): void {
    this.#needsRebuild = checkpoint.code !== code;
    this.#position = checkpoint.seenPosition;
    this.#numbers = checkpoint.numbers;
    this.#wake();
  }

  /** Resolves when it is known who writes, or that something is wrong. */
  async started(): Promise<void> {
    while (this.#state === 'starting') await this.#changed.promise;
  }

  /** Resolves when everything up to `position` is in the tables. Rejects when the run ends before. */
  async until(position: Position): Promise<void> {
    while (this.#position === undefined || this.#position < position) {
      if (this.#state === 'failed') throw this.#lastError;
      if (this.#state === 'stopped') throw new ReadModelStopped(this.model);
      await this.#changed.promise;
    }
  }

  #tell(): void {
    this.#listener();
    if (statuses.hasSubscribers) statuses.publish(this.status());
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
