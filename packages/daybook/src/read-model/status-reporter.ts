import { inspect } from 'node:util';

import { publishStatus, type SourceStatus, type StatusType } from '../consumer/status.ts';
import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';
import { ProjectingFailed } from './errors.ts';
import type { ReadModel } from './read-model.ts';
import type { RunState, RunStatus } from './run-state.ts';

/** Who reports, and how often. */
export interface ReporterOptions {
  readonly host: string;
  readonly holder: string;
  readonly heartbeatMs: number;
  readonly freshnessMs: number;
}

/**
 * Publishes what a run says about itself into `$consumer-<name>`, as consumers do: at once when it changes, and as a
 * heartbeat. So whoever watches consumers watches read models too.
 */
export class StatusReporter implements AsyncDisposable {
  readonly #store: EventStore;
  readonly #model: ReadModel;
  readonly #state: RunState;
  readonly #options: ReporterOptions;
  readonly #timer: NodeJS.Timeout;
  #publishing: Promise<void> = Promise.resolve();
  #hasStarted = false;

  constructor(store: EventStore, model: ReadModel, { state, ...options }: ReporterOptions & { state: RunState }) {
    this.#store = store;
    this.#model = model;
    this.#state = state;
    this.#options = options;
    this.#timer = setInterval(() => this.#publish('ConsumerHeartbeatSent'), options.heartbeatMs);
    this.#timer.unref();
    state.listen(() => this.#publish(this.#hasStarted ? 'ConsumerStateChanged' : 'ConsumerStarted'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#publishing;
  }

  #publish(type: StatusType): void {
    const status = this.#state.status();
    const { state } = status;
    // The instance that writes speaks for the read model.
    if (state === 'starting' || state === 'standing-by') return;
    this.#hasStarted = true;
    const { host, holder, heartbeatMs, freshnessMs } = this.#options;
    this.#publishing = this.#publishing
      .then(async () =>
        publishStatus(this.#store, type, {
          consumer: this.#model.name,
          kind: 'read-model',
          state,
          since: status.since.toISOString(),
          ...failureIn(status),
          sources: await this.#sources(),
          parkedStreams: 0,
          freshnessMs,
          heartbeatMs,
          host,
          holder,
          version: this.#model.code,
        }),
      )
      .catch(() => {}); // What cannot be published now stands in the next heartbeat that can.
  }

  async #sources(): Promise<readonly SourceStatus[]> {
    const numbers = this.#state.numbers();
    return Promise.all(
      this.#model.sources.map(async ({ stream }) => {
        const pos = numbers.get(stream) ?? -1n;
        if (stream === '$all') return { stream, pos: Number(pos), lagEvents: 0 };
        const { revision = -1n } = await this.#store.streamState(stream as StreamName); // The model's own source.
        return { stream, pos: Number(pos), lagEvents: Number(revision - pos) };
      }),
    );
  }
}

function failureIn({ failures, lastError, reason }: RunStatus): {
  readonly reason?: string;
  readonly error?: string;
  readonly attempts?: number;
  readonly failingStream?: string;
  readonly failingId?: string;
} {
  if (lastError === undefined) return reason === undefined ? {} : { reason };
  const error = lastError instanceof Error ? lastError.message : inspect(lastError);
  const event = lastError instanceof ProjectingFailed ? lastError.event : undefined;
  return { error, attempts: failures, ...(event && { failingStream: event.stream, failingId: event.id }) };
}
