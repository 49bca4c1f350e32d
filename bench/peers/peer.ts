/** An event as an application has it. Every store makes bytes of it by itself. */
export interface PeerEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A store that does the same work as Daybook. */
export interface Peer extends AsyncDisposable {
  readonly name: string;
  /** Resolves when the events are durable. */
  readonly append: (stream: string, events: readonly PeerEvent[]) => Promise<unknown>;
  /** How many events the stream has, each of which was handed over with its data parsed. */
  readonly read: (stream: string) => Promise<number>;
}
