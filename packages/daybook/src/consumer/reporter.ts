import type { EventStore } from '../store/event-store.ts';
import type { StreamName } from '../store/stream-name.ts';
import type { Clock } from './clock.ts';
import type { Consumer } from './consumer.ts';
import { errorText } from './failures.ts';
import type { Host } from './host.ts';
import type { Failing } from './lanes.ts';
import { Rate } from './rate.ts';
import { publishStatus, type ConsumerState, type ConsumerStatus, type StatusType } from './status.ts';

/** What is behind a state. */
export interface StateDetail {
  readonly reason?: string | undefined;
  readonly error?: unknown;
  readonly failing?: Failing | undefined;
}

/** What a session knows about itself. */
export interface SessionFacts {
  readonly token: number | undefined;
  readonly places: readonly { readonly stream: StreamName; readonly pos: bigint }[];
  readonly parkedStreams: number;
  readonly obeyed: number | undefined;
  readonly busy: { readonly forMs: number; readonly what: string } | undefined;
  /** Events that were finished since the consumer began to run. */
  readonly finished: number;
}

/** Knows the state of a run, and publishes it: at once when it changes, and as a heartbeat. */
export class Reporter {
  readonly #store: EventStore;
  readonly #consumer: Consumer;
  readonly #clock: Clock;
  readonly #host: Host;
  #state: ConsumerState = 'catching-up';
  #detail: StateDetail = {};
  #sinceMs: number;
  #facts: () => SessionFacts = () => nothingKnown;
  #publishing: Promise<void> = Promise.resolve();
  readonly #rate: Rate;

  constructor(store: EventStore, { consumer, clock, host }: { consumer: Consumer; clock: Clock; host: Host }) {
    this.#store = store;
    this.#consumer = consumer;
    this.#clock = clock;
    this.#host = host;
    this.#sinceMs = clock.now();
    this.#rate = new Rate(clock);
  }

  get state(): ConsumerState {
    return this.#state;
  }

  get detail(): StateDetail {
    return this.#detail;
  }

  /** From now on, a session says what is going on. */
  listenTo(facts: () => SessionFacts): void {
    this.#facts = facts;
  }

  /** Notes a state. When it is new, or its reason is, it is published soon, without being waited for. */
  become(state: ConsumerState, detail: StateDetail = {}): void {
    const isSame = state === this.#state && detail.reason === this.#detail.reason;
    if (state !== this.#state) this.#sinceMs = this.#clock.now();
    this.#state = state;
    this.#detail = detail;
    // What cannot be published now stands in the next heartbeat that can.
    if (!isSame) this.publish('ConsumerStateChanged').catch(() => {});
  }

  /** Publishes what is known now, after what was published before. */
  publish(type: StatusType, more: Partial<ConsumerStatus> = {}): Promise<void> {
    const publishing = this.#publishing.then(async () =>
      publishStatus(this.#store, type, { ...(await this.#status()), ...more }),
    );
    this.#publishing = publishing.catch(() => {});
    return publishing;
  }

  /** Waits until what was published is in the log, or has failed. */
  async settled(): Promise<void> {
    await this.#publishing;
  }

  /** Measures the rate since the last time. */
  measure(): void {
    this.#rate.measure(this.#facts().finished);
  }

  async #status(): Promise<ConsumerStatus> {
    const { name, freshnessMs, heartbeatMs, version } = this.#consumer;
    const { reason, error, failing } = this.#detail;
    const { places, parkedStreams, busy, token, obeyed } = this.#facts();
    const sources = await Promise.all(places.map((place) => this.#source(place)));
    const lag = sources.reduce((sum, { lagEvents }) => sum + lagEvents, 0);
    return {
      consumer: name,
      kind: 'consumer',
      state: this.#state,
      since: new Date(this.#sinceMs).toISOString(),
      reason,
      ...((error !== undefined || failing !== undefined) && { error: errorText(error ?? failing?.error) }),
      ...(failing !== undefined && failingFields(failing)),
      sources,
      ...this.#rate.fields(lag),
      ...(busy !== undefined && {
        busyMs: Math.round(busy.forMs),
        busyWith: busy.what,
      }),
      parkedStreams,
      freshnessMs,
      heartbeatMs,
      version,
      token,
      obeyed,
      host: this.#host.name,
      holder: this.#host.holder,
    };
  }

  async #source({ stream, pos }: SessionFacts['places'][0]): Promise<ConsumerStatus['sources'][0]> {
    const { revision = -1n } = await this.#store.streamState(stream);
    return { stream, pos: Number(pos), lagEvents: Math.max(0, Number(revision - pos)) };
  }
}

const nothingKnown: SessionFacts = {
  token: undefined,
  places: [],
  parkedStreams: 0,
  obeyed: undefined,
  busy: undefined,
  finished: 0,
};

function failingFields({ event, attempts, since }: Failing): Partial<ConsumerStatus> {
  const failingSince = new Date(since).toISOString();
  return { attempts, failingSince, failingStream: event.stream, failingId: event.id };
}
