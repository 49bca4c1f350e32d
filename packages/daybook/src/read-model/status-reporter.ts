import { inspect } from 'node:util';

import { Rate } from '../consumer/rate.ts';
import {
  missingHeartbeats,
  publishStatus,
  readStatus,
  type SourceStatus,
  type StatusType,
} from '../consumer/status.ts';
import { whatWaits } from '../consumer/waiting.ts';
import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';
import { ProjectingFailed } from './errors.ts';
import type { ReadModel } from './read-model.ts';
import type { SettledOptions } from './run-options.ts';
import type { RunState, RunStatus } from './run-state.ts';

/** Who reports, and how often. */
type ReporterOptions = Pick<SettledOptions, 'clock' | 'host' | 'heartbeatMs' | 'freshnessMs'> & {
  readonly state: RunState;
};

/**
 * Publishes what a run says about itself into `$consumer-<name>`, as consumers do: at once when it changes, and as a
 * heartbeat. So whoever watches consumers watches read models too.
 */
export class StatusReporter implements AsyncDisposable {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #options: ReporterOptions;
  readonly #rate: Rate;
  readonly #stopping = new AbortController();
  readonly #beating: Promise<void>;
  #publishing: Promise<void> = Promise.resolve();
  #hasStarted = false;

  constructor(store: EventStore, model: ReadModel, options: ReporterOptions) {
    this.#store = store;
    this.#model = model;
    this.#options = options;
    this.#rate = new Rate(options.clock);
    this.#beating = this.#beat();
    options.state.listen(() => this.#publish(this.#hasStarted ? 'ConsumerStateChanged' : 'ConsumerStarted'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#beating;
    await this.#publishing;
  }

  async #beat(): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(heartbeatMs, signal).catch(() => {}); // It ends.
      if (signal.aborted) return;
      this.#rate.measure(this.#options.state.finished);
      this.#publish('ConsumerHeartbeatSent');
    }
  }

  #publish(type: StatusType): void {
    const status = this.#options.state.status();
    const { state } = status;
    // The instance that writes speaks for the read model.
    if (state === 'starting' || state === 'standing-by') return;
    this.#hasStarted = true;
    const { host, heartbeatMs, freshnessMs } = this.#options;
    this.#publishing = this.#publishing
      .then(async () => {
        if (isFailing(state) && (await this.#othersDoWell())) return undefined;
        const sources = await this.#sources();
        const lag = sources.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
        return publishStatus(this.#store, type, {
          consumer: this.#model.name,
          kind: 'read-model',
          state,
          since: status.since.toISOString(),
          ...failureIn(status),
          sources,
          ...this.#rate.fields(lag),
          parkedStreams: 0,
          freshnessMs,
          heartbeatMs,
          host: host.name,
          holder: host.holder,
          version: this.#model.code,
        });
      })
      .catch(() => {}); // What cannot be published now stands in the next heartbeat that can.
  }

  /** Another instance writes: that this one cannot is no news about the read model. */
  async #othersDoWell(): Promise<boolean> {
    const { host, clock } = this.#options;
    const last = await readStatus(this.#store, this.#model.name);
    if (last === undefined || last.holder === host.holder || isFailing(last.state)) return false;
    if (last.state === 'stopped' || host.isGone(last.holder)) return false;
    return clock.now() - last.created.getTime() < missingHeartbeats * last.heartbeatMs;
  }

  async #sources(): Promise<readonly SourceStatus[]> {
    const numbers = this.#options.state.numbers();
    return Promise.all(
      this.#model.sources.map(async ({ stream }) => {
        const pos = numbers.get(stream) ?? -1n;
        const { lagEvents } = await whatWaits(this.#store, stream as StreamName, pos); // The model's own source.
        return { stream, pos: Number(pos), lagEvents: Number(lagEvents) };
      }),
    );
  }
}

function isFailing(state: RunStatus['state']): boolean {
  return state === 'retrying' || state === 'failed';
}

function failureIn({ failures, failingSince, lastError, reason }: RunStatus): {
  readonly reason?: string;
  readonly error?: string;
  readonly attempts?: number;
  readonly failingSince?: string | undefined;
  readonly failingStream?: string;
  readonly failingId?: string;
} {
  if (lastError === undefined) return reason === undefined ? {} : { reason };
  const error = lastError instanceof Error ? lastError.message : inspect(lastError);
  const event = lastError instanceof ProjectingFailed ? lastError.event : undefined;
  const since = failingSince?.toISOString();
  return {
    error,
    attempts: failures,
    failingSince: since,
    ...(event && { failingStream: event.stream, failingId: event.id }),
  };
}
